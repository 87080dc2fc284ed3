#include "broker/upstream_auth/minters.h"
#include "broker/upstream_auth/registry_token/discovery.h"
#include "broker/upstream_auth/upstream_status.h"
#include "tests/support/cpp/registry_world.h"
#include "tests/support/cpp/result_matchers.h"
#include "tests/support/cpp/run_task.h"
#include "tests/unit/broker/upstream_auth/minter_fixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace connector::broker::upstream_auth {
namespace {

using resource::AuthKind;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using testing_support::Challenge;
using testing_support::HasError;
using testing_support::HasErrorMessage;
using testing_support::HttpAnswer;
using testing_support::HttpRequest;
using testing_support::HttpServer;
using testing_support::RegistryWorld;
using testing_support::RunTask;

class DistributionMinter : public MinterFixture {
 protected:
  DistributionMinter() { minter_ = MakeTokenAuthMinter({client_, clock_}); }
};

TEST_F(DistributionMinter, AsksTheTokenServiceWithBasicAndTheRequestsScopes) {
  world_.token_service.Answer({.body = R"({"token":"t0ken","expires_in":300})"});

  const Result<UpstreamToken> token =
      Mint(world_.Connector(AuthKind::kTokenAuth),
           {{"a/b", {oci::Action::kPull}}, {"c", {oci::Action::kPull, oci::Action::kPush}}});

  ASSERT_TRUE(token.has_value()) << token.error().message;
  EXPECT_EQ(token->scheme, CredentialScheme::kBearer);
  EXPECT_EQ(token->value.Reveal(), "t0ken");
  EXPECT_EQ(token->not_after, clock_.Now() + std::chrono::seconds(300));
  ASSERT_THAT(world_.token_service.requests(), SizeIs(1));
  const HttpRequest asked = world_.token_service.requests().at(0);
  EXPECT_EQ(asked.method, "GET");
  EXPECT_EQ(asked.Header("authorization"), testing_support::kBasicOfBoth);
  EXPECT_THAT(asked.Query("service"), ElementsAre("the registry"));
  EXPECT_THAT(asked.Query("scope"), ElementsAre("repository:c:pull,push", "repository:a/b:pull"));
  EXPECT_THAT(asked.Query("client_id"), ElementsAre("oci-connector"));
}

TEST_F(DistributionMinter, ShowsTheRegistryNoCredential) {
  ASSERT_TRUE(Mint().has_value());

  const HttpRequest asked = world_.registry.requests().at(0);
  EXPECT_EQ(asked.method + " " + asked.target, "GET /v2/");
  EXPECT_EQ(asked.Header("authorization"), "");
}

TEST_F(DistributionMinter, TakesNoScopeFromTheChallenge) {
  world_.registry.Answer(Challenge("Bearer realm=\"" + world_.realm() +
                                   "?scope=repository:evil:push\",scope=\"repository:x:pull\""));
  ASSERT_TRUE(Mint().has_value());

  EXPECT_THAT(world_.token_service.requests().at(0).Query("scope"),
              ElementsAre("repository:a:pull"));
}

TEST_F(DistributionMinter, SendsTheCredentialOnlyToAPinnedRealm) {
  HttpServer foreign([](const HttpRequest&) { return HttpAnswer{.body = R"({"token":"x"})"}; });
  world_.registry.Answer(Challenge("Bearer realm=\"" + foreign.address() + "/token\""));
  resource::Connector unpinned = world_.Connector(AuthKind::kTokenAuth);
  unpinned.upstream.token_realm.reset();

  for (const resource::Connector& connector : {world_.Connector(AuthKind::kTokenAuth), unpinned}) {
    EXPECT_THAT(
        Mint(connector),
        HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("set spec.upstream.tokenRealm")));
  }
  EXPECT_EQ(foreign.connections(), 0U);
  EXPECT_THAT(world_.token_service.requests(), IsEmpty());
}

TEST_F(DistributionMinter, FollowsNoRedirectOfTheTokenService) {
  HttpServer foreign([](const HttpRequest&) { return HttpAnswer{.body = R"({"token":"x"})"}; });
  world_.token_service.Answer(
      {.status = 307, .headers = {{"Location", foreign.address() + "/token"}}});

  EXPECT_THAT(Mint(), HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("redirect")));
  EXPECT_EQ(foreign.connections(), 0U);
}

TEST_F(DistributionMinter, FollowsNoRedirectOfTheRegistry) {
  HttpServer foreign([](const HttpRequest&) { return HttpAnswer{}; });
  world_.registry.Answer({.status = 301, .headers = {{"Location", foreign.address() + "/v2/"}}});

  EXPECT_THAT(Mint(), HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("redirect")));
  EXPECT_EQ(foreign.connections(), 0U);
}

struct Status {
  std::string_view name;
  HttpAnswer answer;
  ErrorCode code;
  std::string says;

  friend void PrintTo(const Status& row, std::ostream* os) { *os << row.name; }
};

class DistributionMinterStatus : public DistributionMinter,
                                 public ::testing::WithParamInterface<Status> {};

TEST_P(DistributionMinterStatus, OfTheTokenServiceReadsAs) {
  world_.token_service.Answer(GetParam().answer);

  EXPECT_THAT(Mint(), HasErrorMessage(GetParam().code, HasSubstr(GetParam().says)));
  EXPECT_THAT(world_.token_service.requests(), SizeIs(1)) << "one attempt is enough";
}

INSTANTIATE_TEST_SUITE_P(
    All,
    DistributionMinterStatus,
    ::testing::Values(
        Status{"Unauthorized",
               {.status = 401},
               ErrorCode::kPermissionDenied,
               "refused the stored credential of connector default/harbor"},
        Status{"UnauthorizedAfterBasic",
               Challenge("Basic realm=\"x\""),
               ErrorCode::kPermissionDenied,
               "refused the stored credential"},
        Status{"Forbidden",
               {.status = 403},
               ErrorCode::kPermissionDenied,
               "refused the stored credential"},
        Status{"TooManyRequests", {.status = 429}, ErrorCode::kResourceExhausted, "rate"},
        Status{"InternalError", {.status = 500}, ErrorCode::kUnavailable, "500"},
        Status{"Unavailable", {.status = 503}, ErrorCode::kUnavailable, "503"},
        Status{"Teapot", {.status = 418}, ErrorCode::kInvalidArgument, "418"},
        Status{"Created",
               {.status = 201, .body = R"({"token":"x"})"},
               ErrorCode::kInvalidArgument,
               "201"},
        Status{"Nonsense", {.body = "<html>"}, ErrorCode::kInvalidArgument, "the token service of"},
        Status{"ALineBreakInTheToken",
               {.body = R"({"token":"a\r\nX: y"})"},
               ErrorCode::kInvalidArgument,
               "line breaks"},
        Status{"TooLarge",
               {.body = std::string(70000, ' ')},
               ErrorCode::kInvalidArgument,
               "too large"},
        Status{"CutOff", {.body = "{", .cut = true}, ErrorCode::kUnavailable, "cut"}),
    [](const auto& row) { return std::string(row.param.name); });

struct RetryAfter {
  std::string_view name;
  std::string value;
  std::chrono::seconds expected;

  friend void PrintTo(const RetryAfter& row, std::ostream* os) { *os << row.name; }
};

class DistributionMinterRetryAfter : public DistributionMinter,
                                     public ::testing::WithParamInterface<RetryAfter> {};

TEST_P(DistributionMinterRetryAfter, Is) {
  world_.token_service.Answer({.status = 429, .headers = {{"Retry-After", GetParam().value}}});

  EXPECT_EQ(Mint().error().retry_after, GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    All,
    DistributionMinterRetryAfter,
    ::testing::Values(RetryAfter{"Seconds", "17", std::chrono::seconds(17)},
                      RetryAfter{"AnHourAtMost", "86400", kLongestRetryAfter},
                      RetryAfter{"AnHourWhenHuge", "99999999999999", kLongestRetryAfter},
                      RetryAfter{"ADate", "Wed, 21 Oct 2099 07:28:00 GMT", kLongestRetryAfter},
                      RetryAfter{"NothingWhenADateIsOver", "Wed, 21 Oct 2015 07:28:00 GMT", {}},
                      RetryAfter{"NothingWhenNegative", "-1", {}}),
    [](const auto& row) { return std::string(row.param.name); });

TEST_F(DistributionMinter, KeepsTheRetryAfterOfATokenServiceThatIsDown) {
  world_.token_service.Answer({.status = 503, .headers = {{"Retry-After", "30"}}});

  const Result<UpstreamToken> token = Mint();

  EXPECT_THAT(token, HasError(ErrorCode::kUnavailable));
  EXPECT_EQ(token.error().retry_after, std::chrono::seconds(30));
}

TEST_F(DistributionMinter, ReadsTheChallengeOfARepositoryWhereTheRootTellsNone) {
  const HttpAnswer challenge = Challenge("Bearer realm=\"" + world_.realm() + "\"");
  for (const HttpAnswer& root : {HttpAnswer{.status = 404},
                                 HttpAnswer{.status = 403},
                                 HttpAnswer{.status = 307, .headers = {{"Location", "/ui/"}}},
                                 HttpAnswer{.status = 401},
                                 HttpAnswer{.status = 200}}) {
    world_.registry.On([root, challenge](const HttpRequest& request) {
      return request.target == "/v2/" ? root : challenge;
    });
    resource::Connector connector = world_.Connector(AuthKind::kTokenAuth);
    connector.ref.name = "of-" + std::to_string(root.status);

    const Result<UpstreamToken> token = Mint(connector, {{"a/b", {oci::Action::kPull}}});

    ASSERT_TRUE(token.has_value()) << root.status << " " << token.error().message;
    EXPECT_EQ(token->scheme, CredentialScheme::kBearer) << root.status;
    const HttpRequest asked = world_.registry.requests().back();
    EXPECT_EQ(asked.target, "/v2/a/b/manifests/latest");
    EXPECT_EQ(asked.Header("authorization"), "") << "no credential before its realm is pinned";
  }
}

TEST_F(DistributionMinter, PinsTheRealmOfARepositorysChallengeToo) {
  HttpServer foreign([](const HttpRequest&) { return HttpAnswer{.body = R"({"token":"x"})"}; });
  const HttpAnswer challenge = Challenge("Bearer realm=\"" + foreign.address() + "/token\"");
  world_.registry.On([challenge](const HttpRequest& request) {
    return request.target == "/v2/" ? HttpAnswer{.status = 404} : challenge;
  });

  EXPECT_THAT(Mint(), HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("tokenRealm")));
  EXPECT_EQ(foreign.connections(), 0U);
}

TEST_F(DistributionMinter, PostsThePasswordWhereGetIsUnknown) {
  for (const int status : {404, 405}) {
    world_.token_service.On([status](const HttpRequest& request) {
      return request.method == "POST" ? HttpAnswer{.body = R"({"access_token":"posted"})"}
                                      : HttpAnswer{.status = status};
    });
    EXPECT_EQ(Mint()->value.Reveal(), "posted");
  }
  const HttpRequest post = world_.token_service.requests().at(1);
  EXPECT_EQ(post.Header("content-type"), "application/x-www-form-urlencoded");
  EXPECT_EQ(post.Header("authorization"), "");
  EXPECT_THAT(post.Form("grant_type"), ElementsAre("password"));
  EXPECT_THAT(post.Form("username"), ElementsAre(testing_support::kUser));
  EXPECT_THAT(post.Form("password"), ElementsAre(testing_support::kPassword));
  EXPECT_THAT(post.Form("scope"), ElementsAre("repository:a:pull"));
}

TEST_F(DistributionMinter, PostsThePasswordWhereA401LeavesBasicOut) {
  world_.token_service.On([](const HttpRequest& request) {
    return request.method == "POST" ? HttpAnswer{.body = R"({"access_token":"posted"})"}
                                    : Challenge("Bearer realm=\"x\"");
  });

  EXPECT_EQ(Mint()->value.Reveal(), "posted");
}

TEST_F(DistributionMinter, PostsAnIdentityTokenAndNothingElse) {
  ASSERT_TRUE(Mint(WithIdentityToken()).has_value());

  ASSERT_THAT(world_.token_service.requests(), SizeIs(1));
  const HttpRequest post = world_.token_service.requests().at(0);
  EXPECT_EQ(post.method, "POST");
  EXPECT_THAT(post.Form("grant_type"), ElementsAre("refresh_token"));
  EXPECT_THAT(post.Form("refresh_token"), ElementsAre("refresh-me"));
  EXPECT_EQ(post.Header("authorization"), "");
}

TEST_F(DistributionMinter, NeverSendsAnIdentityTokenByGet) {
  world_.token_service.Answer({.status = 404});

  EXPECT_THAT(Mint(WithIdentityToken()), HasError(ErrorCode::kInvalidArgument));
  EXPECT_THAT(world_.token_service.requests(), SizeIs(1));
}

TEST_F(DistributionMinter, SaysWhatToSetWhereTheRegistryKnowsOnlyBasic) {
  world_.registry.Answer(Challenge("Basic realm=\"x\""));

  EXPECT_THAT(
      Mint(),
      HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("set spec.auth.name to basicAuth")));
  EXPECT_THAT(world_.token_service.requests(), IsEmpty());
}

TEST_F(DistributionMinter, PrefersBearerWhereTheRegistryOffersBoth) {
  world_.registry.Answer(Challenge("Basic realm=\"x\", bearer realm=\"" + world_.realm() + "\""));

  EXPECT_TRUE(Mint().has_value());
}

TEST_F(DistributionMinter, ReadsChallengesOfSeveralLines) {
  world_.registry.Answer(
      {.status = 401,
       .headers = {{"WWW-Authenticate", "Basic realm=\"x\""},
                   {"WWW-Authenticate", "Bearer realm=\"" + world_.realm() + "\""}}});
  EXPECT_TRUE(Mint().has_value());
}

TEST_F(DistributionMinter, SendsNoCredentialToARegistryThatAsksForNone) {
  world_.registry.Answer({.status = 200});

  const Result<UpstreamToken> token = Mint();

  ASSERT_TRUE(token.has_value());
  EXPECT_EQ(token->scheme, CredentialScheme::kNone);
  EXPECT_EQ(token->not_after, clock_.Now() + std::chrono::seconds(60));
  EXPECT_THAT(world_.token_service.requests(), IsEmpty());
}

TEST_F(DistributionMinter, SaysWhatIsWrongWithARegistryThatIsNone) {
  world_.registry.Answer({.status = 404});
  EXPECT_THAT(Mint(), HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("404")));

  world_.registry.Answer({.status = 401});
  EXPECT_THAT(Mint(),
              HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("how to authenticate")));

  world_.registry.Answer({.status = 502});
  EXPECT_THAT(Mint(), HasError(ErrorCode::kUnavailable));
}

TEST_F(DistributionMinter, RemembersTheChallengeForSomeMinutes) {
  ASSERT_TRUE(Mint().has_value() && Mint().has_value());
  EXPECT_THAT(world_.registry.requests(), SizeIs(1));

  clock_.Advance(kDiscoveryLife);
  ASSERT_TRUE(Mint().has_value());
  EXPECT_THAT(world_.registry.requests(), SizeIs(2));

  clock_.Advance(-std::chrono::hours(1));
  ASSERT_TRUE(Mint().has_value());
  EXPECT_THAT(world_.registry.requests(), SizeIs(3)) << "the clock was set back";
}

TEST_F(DistributionMinter, AsksTheRegistryAgainAfterAFailure) {
  ASSERT_TRUE(Mint().has_value());
  world_.token_service.Answer({.status = 404});
  ASSERT_FALSE(Mint().has_value());
  world_.token_service.Answer({.body = R"({"token":"t"})"});

  ASSERT_TRUE(Mint().has_value());

  EXPECT_THAT(world_.registry.requests(), SizeIs(2));
}

TEST_F(DistributionMinter, RemembersEachConnectorsChallengeApart) {
  ASSERT_TRUE(Mint().has_value());
  resource::Connector other = world_.Connector(AuthKind::kTokenAuth);
  other.ref.ns = "another";

  ASSERT_TRUE(Mint(other).has_value());

  EXPECT_THAT(world_.registry.requests(), SizeIs(2));
}

TEST_F(DistributionMinter, ReportsASlowTokenServiceAtTheDeadline) {
  ASSERT_TRUE(Mint().has_value());
  world_.token_service.Answer({.silent = true});
  MintRequest request = world_.Request(world_.Connector(AuthKind::kTokenAuth), {});

  EXPECT_THAT(
      RunTask(minter_->Mint(std::move(request),
                            std::chrono::steady_clock::now() + std::chrono::milliseconds(50))),
      HasError(ErrorCode::kDeadlineExceeded));
}

TEST_F(DistributionMinter, RefusesToRunWithoutACredential) {
  MintRequest request = world_.Request(world_.Connector(AuthKind::kTokenAuth), {});
  request.credential = nullptr;

  EXPECT_THAT(Mint(std::move(request)), HasError(ErrorCode::kInvalidArgument));
  EXPECT_THAT(world_.registry.requests(), IsEmpty());
}

TEST(DistributionMinterOverTls, TrustsTheConnectorsCa) {
  const RegistryWorld world(true);
  testing_support::FakeClock clock;
  UpstreamClient client;
  const std::unique_ptr<Minter> minter = MakeTokenAuthMinter({client, clock});
  resource::Connector connector = world.Connector(AuthKind::kTokenAuth);
  connector.upstream.allow_insecure = false;
  MintRequest good = world.Request(connector, {});
  MintRequest bad = world.Request(connector, {});
  bad.ca_pem = testing_support::TestCa().pem();
  bad.connector = std::make_shared<const resource::Connector>(connector);
  const Deadline deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);

  EXPECT_THAT(RunTask(minter->Mint(std::move(bad), deadline)),
              HasErrorMessage(ErrorCode::kUnavailable, HasSubstr("not trusted")));
  EXPECT_TRUE(RunTask(minter->Mint(std::move(good), deadline)).has_value());
}

}  // namespace
}  // namespace connector::broker::upstream_auth
