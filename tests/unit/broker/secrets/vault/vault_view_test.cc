#include "broker/secrets/vault/vault_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace connector::broker::secrets {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr WallTime kVaultViewNow{std::chrono::seconds(1'790'000'000)};

TEST(CredentialStateOf, KnowsNothingBeforeVaultHasAnswered) {
  secrets::VaultObservation seen;
  seen.problem = "Vault has not answered yet";
  EXPECT_FALSE(CredentialStateOf(seen, {"r.example"}).known);
  EXPECT_EQ(CredentialStateOf(seen, {"r.example"}).problem, "Vault has not answered yet");

  seen.last_success = kVaultViewNow;
  seen.problem = "it was deleted";
  EXPECT_TRUE(CredentialStateOf(seen, {"r.example"}).known) << "it is told that it cannot be used";
}

TEST(CredentialStateOf, SaysWhyThereIsNoCredentialForItsRegistry) {
  VaultObservation seen;
  seen.version = "v1";
  seen.lacks = {{{"r.example"}, "no entry"}};
  EXPECT_EQ(CredentialStateOf(seen, {"r.example"}).problem, "no entry");
  EXPECT_EQ(CredentialStateOf(seen, {"other.example"}).problem, "");
}

TEST(CredentialStateOf, KeepsTheVersionWhileVaultIsAway) {
  secrets::VaultObservation seen;
  seen.version = "v1";
  seen.last_error = "sealed";
  EXPECT_EQ(CredentialStateOf(seen, {"r.example"}).version, "v1");
  EXPECT_EQ(CredentialStateOf(seen, {"r.example"}).problem, "");
}

TEST(CredentialStatusOf, ShowsTheNumberOfAVersionElseTheBeginningOfItsDigest) {
  const resource::VaultLocation at{"", "secret/data/a"};
  secrets::VaultObservation seen;
  seen.kind = secrets::VaultKind::kKv;
  seen.version = "0123456789abcdef0123";
  EXPECT_EQ(CredentialStatusOf(at, seen).version, "0123456789ab");
  EXPECT_EQ(CredentialStatusOf(at, seen).kind, "kv");
  EXPECT_EQ(CredentialStatusOf(at, seen).place, "secret/data/a in Vault");

  seen.kv_version = 7;
  EXPECT_EQ(CredentialStatusOf(at, seen).version, "7");
}

TEST(CredentialStatusOf, ShowsALeaseByItsHash) {
  secrets::VaultObservation seen;
  seen.kind = secrets::VaultKind::kLease;
  seen.lease_hash = "beef";
  seen.expires_at = kVaultViewNow;
  const admin::CredentialStatus status = CredentialStatusOf({"", "database/creds/a"}, seen);
  EXPECT_EQ(status.kind, "lease");
  EXPECT_EQ(status.lease_hash, "beef");
  EXPECT_EQ(status.expires_at, kVaultViewNow);
}

TEST(DegradedBy, SaysWhatIsWrongAndNothingElse) {
  secrets::VaultStatus status;
  EXPECT_THAT(DegradedBy(status), IsEmpty());
  status.problem = "it refuses our login";
  EXPECT_THAT(DegradedBy(status), ElementsAre("Vault cannot be used: it refuses our login"));

  status.problem = "https://vault.test:8200 does not answer";
  status.reachable = false;
  EXPECT_THAT(DegradedBy(status),
              ElementsAre("Vault cannot be used: https://vault.test:8200 does not answer"));

  status.sealed = true;
  EXPECT_THAT(DegradedBy(status), ElementsAre(HasSubstr("Vault is sealed")));
}

TEST(VaultSection, ShowsWhoWeAreAtVault) {
  secrets::VaultStatus status;
  EXPECT_THAT(VaultSection(status).rows, Contains(Pair("Login", "none yet")));

  status.login = secrets::VaultLoginInfo{"approle", {"a", "b"}, "accessor", kVaultViewNow, true};
  const auto rows = VaultSection(status).rows;
  EXPECT_THAT(rows, Contains(Pair("State", "reachable")));
  EXPECT_THAT(rows, Contains(Pair("Policies", "a, b")));
  EXPECT_THAT(rows, Contains(Pair("Token accessor", "accessor")));

  status.reachable = false;
  status.problem = "no answer";
  EXPECT_THAT(VaultSection(status).rows, Contains(Pair("State", HasSubstr("no answer"))));
}

}  // namespace
}  // namespace connector::broker::secrets
