#include "broker/secrets/vault/vault_calls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace connector::broker::secrets {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

resource::VaultLocation TeamLocation(std::string path) {
  resource::VaultLocation location;
  location.path = std::move(path);
  location.vault_namespace = "team";
  return location;
}

TEST(Calls, WriteSecretsAsJsonText) {
  const VaultCall call = AppRoleLoginCall({"r", "file"}, "a\"b\\c\n\x01é");

  EXPECT_EQ(call.method, "POST");
  EXPECT_EQ(call.path, "auth/approle/login");
  EXPECT_EQ(call.body.Reveal(), "{\"role_id\":\"r\",\"secret_id\":\"a\\\"b\\\\c\\u000a\\u0001é\"}");
}

TEST(Calls, LogInAtTheMountThatIsConfigured) {
  KubernetesLogin kubernetes{"broker", "file", "clusters/one"};
  EXPECT_EQ(KubernetesLoginCall(kubernetes, "jwt").path, "auth/clusters/one/login");
  EXPECT_EQ(KubernetesLoginCall(kubernetes, "jwt").body.Reveal(),
            R"({"role":"broker","jwt":"jwt"})");
  EXPECT_EQ(CertLoginCall({"crt", "key", "r", "tls"}).path, "auth/tls/login");
  EXPECT_EQ(CertLoginCall({"crt", "key", "r"}).body.Reveal(), R"({"name":"r"})");
  EXPECT_EQ(CertLoginCall({"crt", "key", ""}).body.Reveal(), "{}");
}

TEST(Calls, PutNoSecretIntoAPathOrQuery) {
  for (const VaultCall& call :
       {RenewLeaseCall(TeamLocation("x/creds/y"), "lease-id", std::chrono::seconds(7)),
        RevokeLeaseCall(TeamLocation("x/creds/y"), "lease-id"),
        LookupWrappingCall("lease-id")}) {
    EXPECT_THAT(call.path + call.query, Not(HasSubstr("lease-id")));
    EXPECT_THAT(std::string(call.body.Reveal()), HasSubstr("lease-id"));
    EXPECT_EQ(call.sensitive.Reveal(), "lease-id");
  }
}

TEST(Calls, AskForTheLeaseInItsNamespaceAndForItsFirstLife) {
  const VaultCall call = RenewLeaseCall(TeamLocation("x/creds/y"), "id", std::chrono::seconds(7));

  EXPECT_EQ(call.vault_namespace, "team");
  EXPECT_EQ(call.body.Reveal(), R"({"lease_id":"id","increment":"7s"})");
}

TEST(ReadCall, AsksForTheVersionThatIsPinned) {
  resource::VaultLocation location = TeamLocation("secret/data/x");
  EXPECT_EQ(ReadCall(location).query, "");
  location.version = 3;
  EXPECT_EQ(ReadCall(location).query, "version=3");
}

TEST(MetadataCall, TakesThePlaceOfDataInThePath) {
  EXPECT_EQ(MetadataCall(TeamLocation("secret/data/ci/harbor"))->path, "secret/metadata/ci/harbor");
  EXPECT_EQ(MetadataCall(TeamLocation("a/b/data/x/data/y"))->path, "a/b/metadata/x/data/y");
  EXPECT_FALSE(MetadataCall(TeamLocation("database/creds/x")).has_value());
}

}  // namespace
}  // namespace connector::broker::secrets
