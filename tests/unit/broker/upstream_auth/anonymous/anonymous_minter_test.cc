#include "broker/upstream_auth/minters.h"
#include "tests/support/cpp/result_matchers.h"
#include "tests/unit/broker/upstream_auth/minter_fixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace connector::broker::upstream_auth {
namespace {

using resource::AuthKind;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using testing_support::Challenge;
using testing_support::HasErrorMessage;

class AnonymousMinter : public MinterFixture {
 protected:
  AnonymousMinter() { minter_ = MakeAnonymousMinter({client_, clock_}); }
  Result<UpstreamToken> MintAnonymously() { return Mint(world_.Connector(AuthKind::kAnonymous)); }
};

TEST_F(AnonymousMinter, FetchesATokenWithoutCredential) {
  EXPECT_EQ(MintAnonymously()->value.Reveal(), "t0ken");
  EXPECT_EQ(world_.token_service.requests().at(0).Header("authorization"), "");
  EXPECT_THAT(world_.token_service.requests().at(0).Query("scope"),
              ElementsAre("repository:a:pull"));
}

TEST_F(AnonymousMinter, SendsNoStoredCredentialEvenIfItIsGivenOne) {
  ASSERT_TRUE(Mint(world_.Connector(AuthKind::kTokenAuth)).has_value());
  EXPECT_EQ(world_.token_service.requests().at(0).Header("authorization"), "");
}

TEST_F(AnonymousMinter, SaysThatTheServiceGivesNoToken) {
  world_.token_service.Answer({.status = 401});
  EXPECT_THAT(MintAnonymously(),
              HasErrorMessage(ErrorCode::kPermissionDenied, HasSubstr("no anonymous token")));
  EXPECT_THAT(world_.token_service.requests(), SizeIs(1));
}

TEST_F(AnonymousMinter, SaysThatTheRegistryWantsAPassword) {
  world_.registry.Answer(Challenge("Basic realm=\"x\""));
  EXPECT_THAT(MintAnonymously(),
              HasErrorMessage(ErrorCode::kPermissionDenied, HasSubstr("basicAuth")));
}

}  // namespace
}  // namespace connector::broker::upstream_auth
