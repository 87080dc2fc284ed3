#include "broker/upstream_auth/basic/basic_value.h"
#include "broker/upstream_auth/minters.h"
#include "tests/support/cpp/fake_clock.h"
#include "tests/support/cpp/registry_world.h"
#include "tests/support/cpp/result_matchers.h"
#include "tests/support/cpp/run_task.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace connector::broker::upstream_auth {
namespace {

using resource::AuthKind;
using ::testing::HasSubstr;
using testing_support::HasError;
using testing_support::HasErrorMessage;
using testing_support::RegistryWorld;
using testing_support::RunTask;

TEST(BasicMinter, EncodesUserAndPassword) {
  EXPECT_EQ("Basic " + std::string(BasicValue(*RegistryWorld::Credential(), {})->Reveal()),
            testing_support::kBasicOfBoth);
}

TEST(BasicMinter, RefusesACredentialThatBasicCannotCarry) {
  const auto value_of = [](const std::string& username, const std::string& password) {
    secrets::RegistryCredential credential;
    credential.username = username;
    credential.password = Secret(password);
    return BasicValue(credential, {"default", "harbor"});
  };
  EXPECT_TRUE(value_of("a", "b\n").has_value());
  for (const char* username : {"", "a:b", "a\n", "a\x7F"}) {
    EXPECT_THAT(value_of(username, "b"), HasError(ErrorCode::kInvalidArgument)) << username;
  }
  EXPECT_THAT(value_of("a", ""), HasError(ErrorCode::kInvalidArgument));
}

TEST(BasicMinter, HandsTheStoredPasswordOutOnlyWhereTheConnectorAllowsIt) {
  const RegistryWorld world;
  testing_support::FakeClock clock;
  UpstreamClient client;
  const std::unique_ptr<Minter> minter = MakeBasicAuthMinter({client, clock});
  resource::Connector connector = world.Connector(AuthKind::kBasicAuth);

  EXPECT_THAT(RunTask(minter->Mint(world.Request(connector, {}), Deadline::max())),
              HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("spec.auth.allowStatic")));

  connector.auth.allow_static = true;
  const Result<UpstreamToken> token =
      RunTask(minter->Mint(world.Request(connector, {}), Deadline::max()));
  ASSERT_TRUE(token.has_value());
  EXPECT_EQ(token->scheme, CredentialScheme::kBasic);
  EXPECT_EQ(token->not_after, clock.Now() + std::chrono::hours(1));
}

}  // namespace
}  // namespace connector::broker::upstream_auth
