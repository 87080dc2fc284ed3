#include "broker/secrets/secret_store.h"

#include "tests/support/cpp/result_matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace connector::broker::secrets {
namespace {

using testing_support::HasErrorMessage;

TEST(ReadRegistryCredential, ReadsUserNameAndPassword) {
  StoredSecret secret;
  secret.type = "kubernetes.io/basic-auth";
  secret.data.emplace("username", Secret("u"));
  secret.data.emplace("password", Secret("p"));

  const Result<RegistryCredential> read =
      ReadRegistryCredential({"ns", "s"}, secret, {"r.example"});

  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->username, "u");
  EXPECT_EQ(read->password.Reveal(), "p");
  EXPECT_TRUE(read->identity_token.empty());
}

TEST(ReadRegistryCredential, ReadsTheIdentityTokenOfTheRegistry) {
  StoredSecret secret;
  secret.type = "kubernetes.io/dockerconfigjson";
  secret.data.emplace(".dockerconfigjson",
                      Secret(R"({"auths":{"r.example":{"identitytoken":"t"}}})"));

  const Result<RegistryCredential> read =
      ReadRegistryCredential({"ns", "s"}, secret, {"r.example"});

  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->username, "");
  EXPECT_TRUE(read->password.empty());
  EXPECT_EQ(read->identity_token.Reveal(), "t");
}

TEST(ReadRegistryCredential, NamesTheSecretAndTheMissingKey) {
  StoredSecret secret;
  secret.type = "Opaque";
  secret.data.emplace("username", Secret("u"));

  EXPECT_THAT(ReadRegistryCredential({"ns", "s"}, secret, {"r.example"}),
              HasErrorMessage(ErrorCode::kInvalidArgument,
                              "the Secret ns/s lacks the key password; it needs username and "
                              "password"));
}

}  // namespace
}  // namespace connector::broker::secrets
