#include "cli/pki_secrets.h"

#include "tests/support/cpp/result_matchers.h"

#include <gmock/gmock.h>

#include <algorithm>

namespace connector::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing_support::HasErrorMessage;

constexpr std::chrono::hours kOneDay{24};
// Any time will do: 2026-01-01.
const WallTime kMadeAt{std::chrono::seconds(1767225600)};

ClusterPki Wanted() {
  return {.prefix = "r", .broker_dns = {"b.ns.svc", "b"}, .listener_dns = {"*.team.svc"}};
}

class Secrets : public ::testing::Test {
 protected:
  Secrets() { Apply(Wanted(), kMadeAt); }

  // Writes what is planned, as `pki cluster` does; "NAME: WHY" of each.
  std::vector<std::string> Apply(const ClusterPki& wanted, WallTime now) {
    Result<std::vector<SecretChange>> changes = PlanSecrets(wanted, present_, now);
    EXPECT_TRUE(changes.has_value());
    std::vector<std::string> told;
    for (SecretChange& change : *changes) {
      told.push_back(change.name + ": " + change.why);
      Data(change.name) = std::move(change.data);
    }
    return told;
  }

  SecretData& Data(const std::string& name) {
    const auto found = std::find_if(present_.begin(), present_.end(), [&](const SecretState& each) {
      return each.name == name;
    });
    return found == present_.end() ? present_.emplace_back(SecretState{name, {}}).data
                                   : found->data;
  }

  CertificatePtr Certificate(const std::string& name) {
    return ReadCertificate(Data(name).at("tls.crt").Reveal());
  }

  std::vector<SecretState> present_;
};

TEST(EmptySecrets, AreFilledTheAuthorityFirst) {
  const Result<std::vector<SecretChange>> changes = PlanSecrets(Wanted(), {}, kMadeAt);
  ASSERT_TRUE(changes.has_value());
  std::vector<std::string> names;
  for (const SecretChange& change : *changes) {
    names.push_back(change.name);
    EXPECT_EQ(change.why, "was empty");
  }
  EXPECT_THAT(names,
              ElementsAre("r-ca",
                          "r-broker-tls",
                          "r-dataplane-tls",
                          "r-controller-tls",
                          "r-operator-tls",
                          "r-listener-tls",
                          "r-root-key"));
  EXPECT_EQ(SecretNames(Wanted()), names);
}

TEST_F(Secrets, ThatAreGoodAreKept) {
  EXPECT_THAT(Apply(Wanted(), kMadeAt + 59 * kOneDay), IsEmpty());
}

TEST_F(Secrets, HaveCertificatesOfTheAuthorityWithTheirNames) {
  const CertificatePtr authority = Certificate("r-ca");
  const auto names_of = [&](const std::string& name) {
    const CertificatePtr certificate = Certificate(name);
    EXPECT_TRUE(IsSignedBy(certificate.get(), authority.get())) << name;
    EXPECT_EQ(EndOf(certificate.get()), kMadeAt + 90 * kOneDay) << name;
    return NamesOf(certificate.get());
  };
  EXPECT_THAT(names_of("r-broker-tls"), ElementsAre("DNS:b", "DNS:b.ns.svc"));
  EXPECT_THAT(names_of("r-dataplane-tls"),
              ElementsAre("URI:spiffe://oci-connector.local/dataplane"));
  EXPECT_THAT(names_of("r-controller-tls"),
              ElementsAre("URI:spiffe://oci-connector.local/controller"));
  EXPECT_THAT(names_of("r-operator-tls"), ElementsAre("URI:spiffe://oci-connector.local/operator"));
  EXPECT_THAT(names_of("r-listener-tls"), ElementsAre("DNS:*.team.svc"));
}

TEST_F(Secrets, AreRenewedBeforeTheyEndWithAnotherKey) {
  const std::string key(Data("r-broker-tls").at("tls.key").Reveal());
  EXPECT_THAT(Apply(Wanted(), kMadeAt + 61 * kOneDay),
              ElementsAre("r-broker-tls: its end was near",
                          "r-dataplane-tls: its end was near",
                          "r-controller-tls: its end was near",
                          "r-operator-tls: its end was near",
                          "r-listener-tls: its end was near"));
  EXPECT_NE(Data("r-broker-tls").at("tls.key").Reveal(), key);
}

TEST_F(Secrets, FollowTheNamesThatAreWanted) {
  ClusterPki wanted = Wanted();
  wanted.broker_dns.push_back("c");
  EXPECT_THAT(Apply(wanted, kMadeAt), ElementsAre("r-broker-tls: had other names"));
}

TEST_F(Secrets, ThatWereEmptiedAreFilledAnew) {
  Data("r-dataplane-tls").clear();
  EXPECT_THAT(Apply(Wanted(), kMadeAt), ElementsAre("r-dataplane-tls: was empty"));
}

TEST_F(Secrets, OfAnotherAuthorityAreReplaced) {
  Data("r-ca").clear();
  EXPECT_THAT(Apply(Wanted(), kMadeAt),
              ElementsAre("r-ca: was empty",
                          "r-broker-tls: was of another authority",
                          "r-dataplane-tls: was of another authority",
                          "r-controller-tls: was of another authority",
                          "r-operator-tls: was of another authority",
                          "r-listener-tls: was of another authority"));
}

TEST_F(Secrets, WithAnotherKeyAreReplaced) {
  Data("r-broker-tls").at("tls.key") = Data("r-dataplane-tls").at("tls.key").Clone();
  EXPECT_THAT(Apply(Wanted(), kMadeAt),
              ElementsAre("r-broker-tls: was not a certificate and its key"));
}

TEST_F(Secrets, KeepTheAuthoritysKeySoThatBothSidesOfARenewalTrustEachOther) {
  const std::string key(Data("r-ca").at("tls.key").Reveal());
  const CertificatePtr old_authority = Certificate("r-ca");
  const CertificatePtr old_broker = Certificate("r-broker-tls");
  const std::vector<std::string> told = Apply(Wanted(), kMadeAt + 3500 * kOneDay);
  EXPECT_EQ(told.front(), "r-ca: its end was near");
  EXPECT_EQ(Data("r-ca").at("tls.key").Reveal(), key);
  EXPECT_TRUE(IsSignedBy(Certificate("r-broker-tls").get(), old_authority.get()));
  EXPECT_TRUE(IsSignedBy(old_broker.get(), Certificate("r-ca").get()));
}

TEST_F(Secrets, OfAnAuthorityThatCannotBeReadAreLeftAlone) {
  Data("r-ca").at("tls.crt") = Secret("not PEM");
  EXPECT_THAT(PlanSecrets(Wanted(), present_, kMadeAt),
              HasErrorMessage(
                  ErrorCode::kInvalidArgument,
                  "Secret r-ca: tls.crt and tls.key are not a certificate and its key in PEM; put "
                  "right what is there, or take all data out of it to have it made anew"));
}

TEST_F(Secrets, WithAKeyThatIsNotTheAuthoritysAreLeftAlone) {
  Data("r-ca").at("tls.key") = Data("r-dataplane-tls").at("tls.key").Clone();
  EXPECT_FALSE(PlanSecrets(Wanted(), present_, kMadeAt).has_value());
}

TEST_F(Secrets, HoldARootKeyThatIsNeverReplaced) {
  EXPECT_EQ(Data("r-root-key").at("root.key").Reveal().size(), 32U);
  Data("r-root-key").at("root.key") = Secret("short");
  EXPECT_THAT(
      PlanSecrets(Wanted(), present_, kMadeAt),
      HasErrorMessage(ErrorCode::kInvalidArgument,
                      "Secret r-root-key: root.key is missing or shorter than 32 bytes; put "
                      "right what is there, or take all data out of it to have it made "
                      "anew"));
}

TEST(TheRootKeyAlone, IsMadeWhereSomebodyElseMakesCertificates) {
  ClusterPki wanted = Wanted();
  wanted.root_key_only = true;
  const Result<std::vector<SecretChange>> changes = PlanSecrets(wanted, {}, kMadeAt);
  ASSERT_TRUE(changes.has_value());
  ASSERT_EQ(changes->size(), 1U);
  EXPECT_EQ(changes->front().name, "r-root-key");
  EXPECT_THAT(SecretNames(wanted), ElementsAre("r-root-key"));
}

}  // namespace
}  // namespace connector::cli
