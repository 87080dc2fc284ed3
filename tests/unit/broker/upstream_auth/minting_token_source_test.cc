#include "broker/upstream_auth/minting_token_source.h"

#include "broker/upstream_auth/endpoint_limiter.h"
#include "tests/support/cpp/result_matchers.h"
#include "tests/unit/broker/upstream_auth/token_source_fixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace connector::broker::upstream_auth {
namespace {

using resource::AuthKind;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing_support::HasError;
using testing_support::HasErrorMessage;

TEST_F(TokenSourceTest, MintsOncePerKeyAndKeepsTheToken) {
  EXPECT_EQ(ValueOf(Get()), "token-1");
  EXPECT_EQ(ValueOf(Get()), "token-1");
  EXPECT_EQ(minter_->mints, 1);
  EXPECT_EQ(store_.fetches(), 1);
}

TEST_F(TokenSourceTest, GivesTheMinterTheCredentialAndTheScopes) {
  ASSERT_TRUE(Get({{"b", {oci::Action::kPull}}, {"a", {oci::Action::kPull}}}).has_value());

  const MintRequest request = minter_->LastRequest();
  EXPECT_EQ(request.credential->username, "robot");
  EXPECT_EQ(request.credential->password.Reveal(), "s3cret");
  EXPECT_THAT(
      request.scopes,
      ElementsAre(oci::Scope{"a", {oci::Action::kPull}}, oci::Scope{"b", {oci::Action::kPull}}));
}

TEST_F(TokenSourceTest, GivesTheMinterTheCredentialOfTheRepositoryThatIsPushedTo) {
  store_.Put({"default", "harbor-robot"},
             "kubernetes.io/dockerconfigjson",
             {{".dockerconfigjson",
               R"({"auths":{"harbor.example.com/a":{"username":"of-a","password":"p"},
                            "harbor.example.com/b":{"username":"of-b","password":"p"}}})"}});
  ASSERT_TRUE(Get({{"a/x", {oci::Action::kPull}}}).has_value());
  EXPECT_EQ(minter_->LastRequest().credential->username, "of-a");
  ASSERT_TRUE(
      Get({{"a/x", {oci::Action::kPull}}, {"b/y", {oci::Action::kPull, oci::Action::kPush}}})
          .has_value());
  EXPECT_EQ(minter_->LastRequest().credential->username, "of-b");
  EXPECT_THAT(
      Get({{"c", {oci::Action::kPull}}}),
      HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("no entry for harbor.example.com/c")));
}

TEST_F(TokenSourceTest, GivesTheMinterThePolicyOfTheConnector) {
  ASSERT_TRUE(GetFor(EntryUnder(routing::Unlisted::kPublic), kPullA).has_value());

  EXPECT_EQ(minter_->LastRequest().policy->unlisted, routing::Unlisted::kPublic);
}

// Kinds that mint without a connection have no other check.
TEST_F(TokenSourceTest, MintsNothingForAnAddressThatThePlatformDoesNotAllow) {
  const auto said = GetFor(EntryUnder(routing::Unlisted::kNone), kPullA);

  EXPECT_THAT(said, HasErrorMessage(ErrorCode::kUnavailable, HasSubstr("harbor.example.com")));
  EXPECT_EQ(minter_->mints, 0);
  EXPECT_EQ(store_.fetches(), 0);
}

TEST_F(TokenSourceTest, MintsNothingForATokenServiceThatThePlatformDoesNotAllow) {
  const auto entry =
      std::make_shared<connectors::CatalogEntry>(*EntryUnder(routing::Unlisted::kPublic));
  auto connector = std::make_shared<resource::Connector>(*entry->connector);
  connector->upstream.token_realm = *http::ParseUrl("https://169.254.169.254/token");
  entry->connector = connector;

  EXPECT_THAT(GetFor(entry, kPullA), HasError(ErrorCode::kUnavailable));
  EXPECT_EQ(minter_->mints, 0);
}

TEST_F(TokenSourceTest, KeepsScopesConnectorsAndSecretsApart) {
  const auto other = [&] {
    auto entry = std::make_shared<connectors::CatalogEntry>(*Entry());
    auto connector = std::make_shared<resource::Connector>(*entry->connector);
    connector->ref.name = "other";
    entry->connector = connector;
    return entry;
  }();
  EXPECT_EQ(ValueOf(Get(kPullA)), "token-1");
  EXPECT_EQ(ValueOf(Get(kPullB)), "token-2");
  EXPECT_EQ(ValueOf(Get({{"a", {oci::Action::kPull, oci::Action::kPush}}})), "token-3");
  EXPECT_EQ(ValueOf(GetFor(other, kPullA)), "token-4");
  EXPECT_EQ(ValueOf(GetFor(Entry("mint-key-2"), kPullA)), "token-5");
  EXPECT_EQ(ValueOf(Get({})), "token-6");
  EXPECT_EQ(ValueOf(Get(kPullA)), "token-1");
}

TEST_F(TokenSourceTest, ServesTheOldTokenWhileItMintsTheNext) {
  ASSERT_EQ(ValueOf(Get()), "token-1");
  clock_.Advance(seconds(201));

  EXPECT_EQ(ValueOf(Get()), "token-1");
  EXPECT_EQ(ValueOf(Get()), "token-2");
  EXPECT_EQ(minter_->mints, 2);
}

TEST_F(TokenSourceTest, HandsOutNoTokenThatIsAboutToEnd) {
  ASSERT_EQ(ValueOf(Get()), "token-1");
  clock_.Advance(seconds(291));

  EXPECT_EQ(ValueOf(Get()), "token-2");
}

TEST_F(TokenSourceTest, WaitsForTheNextTokenWhenAShortOneIsTooOldToServeMeanwhile) {
  minter_->Life(seconds(3));
  ASSERT_EQ(ValueOf(Get()), "token-1");
  clock_.Advance(milliseconds(2100));

  EXPECT_EQ(ValueOf(Get()), "token-2");
}

TEST_F(TokenSourceTest, MintsAnewWhenATokenHasEnded) {
  minter_->Life(seconds(1));
  ASSERT_EQ(ValueOf(Get()), "token-1");
  clock_.Advance(seconds(1));

  EXPECT_EQ(ValueOf(Get()), "token-2");
}

TEST_F(TokenSourceTest, WaitsForTheNextTokenWhenTheOldOneIsDueAndTooShort) {
  minter_->Life(seconds(1));
  ASSERT_EQ(ValueOf(Get()), "token-1");
  clock_.Advance(milliseconds(720));  // Past the time of a refresh, not yet low.

  EXPECT_EQ(ValueOf(Get()), "token-2");
}

TEST_F(TokenSourceTest, FallsBackToATokenThatIsAliveWhenTheServiceIsDown) {
  ASSERT_EQ(ValueOf(Get()), "token-1");
  minter_->Fail(ErrorCode::kUnavailable);
  clock_.Advance(seconds(295));
  EXPECT_EQ(ValueOf(Get()), "token-1") << "after the mint failed";
  EXPECT_EQ(ValueOf(Get()), "token-1") << "while the limiter holds back";
  EXPECT_EQ(minter_->mints, 2);

  clock_.Advance(milliseconds(4500));
  EXPECT_THAT(Get(), HasError(ErrorCode::kUnavailable)) << "half a second is too little";
}

TEST_F(TokenSourceTest, DoesNotFallBackWhenTheCredentialIsRefused) {
  ASSERT_EQ(ValueOf(Get()), "token-1");
  minter_->Fail(ErrorCode::kPermissionDenied);
  clock_.Advance(seconds(295));

  EXPECT_THAT(Get(), HasError(ErrorCode::kPermissionDenied));
  EXPECT_THAT(Get(), HasError(ErrorCode::kPermissionDenied));
}

TEST_F(TokenSourceTest, AnswersWithTheLastErrorWhileItBacksOff) {
  minter_->Fail(ErrorCode::kUnavailable);
  EXPECT_THAT(Get(), HasErrorMessage(ErrorCode::kUnavailable, "the fake failed"));

  clock_.Advance(milliseconds(374));
  const Result<Token> held = Get();
  EXPECT_THAT(held, HasErrorMessage(ErrorCode::kUnavailable, "the fake failed"));
  EXPECT_EQ(held.error().retry_after, seconds(1));
  EXPECT_EQ(minter_->mints, 1);

  minter_->Fail(std::nullopt);
  clock_.Advance(milliseconds(1));
  EXPECT_EQ(ValueOf(Get()), "token-2");
}

TEST_F(TokenSourceTest, WaitsAsLongAsTheTokenServiceSays) {
  minter_->Fail(ErrorCode::kResourceExhausted, seconds(90));
  EXPECT_THAT(Get(), HasError(ErrorCode::kResourceExhausted));
  minter_->Fail(std::nullopt);

  clock_.Advance(seconds(89));
  EXPECT_EQ(Get().error().retry_after, seconds(1));
  clock_.Advance(seconds(1));
  EXPECT_EQ(ValueOf(Get()), "token-2");
}

TEST_F(TokenSourceTest, TriesANewSecretAtOnce) {
  minter_->Fail(ErrorCode::kPermissionDenied);
  EXPECT_THAT(Get(), HasError(ErrorCode::kPermissionDenied));
  EXPECT_THAT(Get(), HasError(ErrorCode::kPermissionDenied));
  EXPECT_EQ(minter_->mints, 1);

  minter_->Fail(std::nullopt);
  store_.Put({"default", "harbor-robot"}, {{"username", "robot"}, {"password", "new"}}, "v2");
  EXPECT_EQ(ValueOf(GetFor(Entry("mint-key-2", "v2"))), "token-2");
}

TEST_F(TokenSourceTest, KeepsNoTokenOfASecretThatTheEntryDoesNotKnow) {
  store_.Put({"default", "harbor-robot"}, {{"username", "robot"}, {"password", "new"}}, "v2");

  EXPECT_EQ(ValueOf(GetFor(Entry("mint-key-1", "v1"))), "token-1");
  EXPECT_EQ(ValueOf(GetFor(Entry("mint-key-1", "v1"))), "token-2");
}

TEST_F(TokenSourceTest, SaysWhatIsWrongWithTheSecret) {
  store_.Fail(MakeError(ErrorCode::kNotFound, ErrorOrigin::kSelf, "no such Secret"));
  EXPECT_THAT(Get(), HasErrorMessage(ErrorCode::kNotFound, "no such Secret"));

  store_.Fail(std::nullopt);
  store_.Put({"default", "harbor-robot"}, {{"username", "robot"}}, "v2");
  EXPECT_THAT(GetFor(Entry("mint-key-2", "v2")),
              HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("password")));
  EXPECT_EQ(minter_->mints, 0);
}

TEST_F(TokenSourceTest, ReadsNoSecretForAConnectorWithoutOne) {
  auto entry = std::make_shared<connectors::CatalogEntry>(*Entry());
  auto connector = std::make_shared<resource::Connector>(*entry->connector);
  connector->auth.secret_name.reset();
  entry->connector = connector;

  EXPECT_EQ(ValueOf(GetFor(entry)), "token-1");
  EXPECT_EQ(minter_->LastRequest().credential, nullptr);
  EXPECT_EQ(store_.fetches(), 0);
}

TEST_F(TokenSourceTest, EndsATokenWithTheLeaseOfItsCredential) {
  store_.EndAt(clock_.Now() + seconds(60));
  EXPECT_EQ((*Get())->not_after, clock_.Now() + seconds(60));

  store_.EndAt(clock_.Now() + seconds(900));
  EXPECT_EQ((*Get(kPullB))->not_after, clock_.Now() + seconds(300)) << "its own life is shorter";
}

TEST_F(TokenSourceTest, TriesOnceMoreWithAnotherCredentialWhenTheStoreHasOne) {
  minter_->Refuse("s3cret");
  store_.PutAfterDiscard({{"username", "robot"}, {"password", "leased"}});

  EXPECT_EQ(ValueOf(Get()), "token-2");
  EXPECT_EQ(minter_->LastRequest().credential->password.Reveal(), "leased");
}

TEST_F(TokenSourceTest, TriesOnceMoreOnce) {
  minter_->Refuse("s3cret");
  store_.PutAfterDiscard({{"username", "robot"}, {"password", "s3cret"}});

  EXPECT_THAT(Get(), HasErrorMessage(ErrorCode::kPermissionDenied, "refused"));
  EXPECT_EQ(minter_->mints, 2);
}

TEST_F(TokenSourceTest, GivesALeasedPasswordUpThatTheRegistryRefused) {
  const secrets::SecretRef ref{"default", "harbor-robot"};
  store_.PutAfterDiscard({{"username", "robot"}, {"password", "leased"}});
  source_->Forget(*Entry(), kPullA);
  auto entry = std::make_shared<connectors::CatalogEntry>(*Entry());
  auto connector = std::make_shared<resource::Connector>(*entry->connector);
  connector->auth.kind = AuthKind::kBasicAuth;
  entry->connector = connector;
  EXPECT_TRUE(store_.Discard(ref)) << "a token's end says nothing of the password";

  store_.PutAfterDiscard({{"username", "robot"}, {"password", "leased"}});
  source_->Forget(*entry, kPullA);
  EXPECT_FALSE(store_.Discard(ref)) << "it was given up already";
}

TEST_F(TokenSourceTest, ReplacesCredentialsNoFasterThanItShould) {
  minter_->Refuse("s3cret");
  store_.PutAfterDiscard({{"username", "robot"}, {"password", "s3cret"}});
  EXPECT_THAT(Get(), HasError(ErrorCode::kPermissionDenied));

  store_.PutAfterDiscard({{"username", "robot"}, {"password", "leased"}});
  clock_.Advance(seconds(29));
  EXPECT_THAT(Get(kPullB), HasError(ErrorCode::kPermissionDenied));
  clock_.Advance(seconds(6));
  EXPECT_TRUE(Get(kPullB).has_value());
}

TEST_F(TokenSourceTest, GivesNothingUpWhenTheRegistryIsOnlyAway) {
  minter_->Fail(ErrorCode::kUnavailable);
  store_.PutAfterDiscard({{"username", "robot"}, {"password", "leased"}});

  EXPECT_THAT(Get(), HasError(ErrorCode::kUnavailable));
  EXPECT_EQ(minter_->mints, 1);
}

TEST_F(TokenSourceTest, AsksAStoreThatIsBackAtOnce) {
  store_.Fail(MakeError(ErrorCode::kUnavailable, ErrorOrigin::kBroker, "Vault is sealed"));
  EXPECT_THAT(Get(), HasErrorMessage(ErrorCode::kUnavailable, "Vault is sealed"));

  store_.Fail(std::nullopt);
  EXPECT_EQ(ValueOf(Get()), "token-1") << "though no time has passed";
}

TEST_F(TokenSourceTest, RemembersThatTheStoreRefused) {
  store_.Fail(MakeError(ErrorCode::kPermissionDenied, ErrorOrigin::kBroker, "no"));
  EXPECT_THAT(Get(), HasError(ErrorCode::kPermissionDenied));
  EXPECT_THAT(Get(), HasError(ErrorCode::kPermissionDenied));
  EXPECT_EQ(store_.fetches(), 1);
}

TEST_F(TokenSourceTest, RefusesAnAuthThatNoMinterKnows) {
  auto entry = std::make_shared<connectors::CatalogEntry>(*Entry());
  auto connector = std::make_shared<resource::Connector>(*entry->connector);
  connector->auth.kind = AuthKind::kAnonymous;
  entry->connector = connector;

  EXPECT_THAT(GetFor(entry), HasError(ErrorCode::kInternal));
}

TEST_F(TokenSourceTest, MintsAnewAfterForget) {
  ASSERT_EQ(ValueOf(Get()), "token-1");
  ASSERT_EQ(ValueOf(Get(kPullB)), "token-2");

  source_->Forget(*Entry(), kPullA);

  EXPECT_EQ(ValueOf(Get()), "token-3");
  EXPECT_EQ(ValueOf(Get(kPullB)), "token-2");
}

TEST_F(TokenSourceTest, LimitsTheRateOfMintsOfOneCaller) {
  int minted = 0;
  while (minted < 1000 && Get({{std::to_string(minted), {oci::Action::kPull}}}).has_value()) {
    ++minted;
  }
  EXPECT_EQ(minted, 175) << "seven eighths of the burst";
  EXPECT_THAT(Get(kPullA), HasError(ErrorCode::kResourceExhausted));
  EXPECT_EQ(ValueOf(Get({{"0", {oci::Action::kPull}}})), "token-1") << "what is kept is served";
  EXPECT_TRUE(GetFor(Entry(), kPullB, "bob").has_value()) << "another caller has a share";
  EXPECT_THAT(Metrics(), HasSubstr("connector_broker_mint_total{result=\"over_rate\"} 2"));
  clock_.Advance(milliseconds(50));
  EXPECT_TRUE(Get(kPullA).has_value());
}

TEST_F(TokenSourceTest, FailsForTheScopesOfOneCallerAndNotForAnother) {
  minter_->Fail(ErrorCode::kResourceExhausted, seconds(3600));
  EXPECT_FALSE(GetFor(Entry(), kPullA, "mallory").has_value());
  minter_->Fail(std::nullopt);

  EXPECT_EQ(ValueOf(GetFor(Entry(), kPullB, "alice")), "token-2");
  EXPECT_THAT(GetFor(Entry(), kPullA, "alice"), HasError(ErrorCode::kResourceExhausted));
}

TEST_F(TokenSourceTest, CountsResultsAndEntries) {
  EXPECT_TRUE(Get(kPullA).has_value());
  EXPECT_TRUE(Get(kPullB).has_value());
  minter_->Fail(ErrorCode::kPermissionDenied);
  EXPECT_FALSE(Get({}).has_value());
  EXPECT_FALSE(Get({}).has_value());

  const std::string metrics = Metrics();
  EXPECT_THAT(metrics, HasSubstr("connector_broker_mint_total{result=\"ok\"} 2"));
  EXPECT_THAT(metrics, HasSubstr("connector_broker_mint_total{result=\"permission_denied\"} 1"));
  EXPECT_THAT(metrics, HasSubstr("connector_broker_mint_total{result=\"held_back\"} 1"));
  EXPECT_THAT(metrics, HasSubstr("connector_broker_mint_duration_seconds_count 3"));
  EXPECT_THAT(metrics, HasSubstr("connector_broker_token_cache_entries 2"));
}

}  // namespace
}  // namespace connector::broker::upstream_auth
