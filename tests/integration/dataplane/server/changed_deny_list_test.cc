#include "tests/support/cpp/dataplane_world.h"
#include "tests/support/cpp/eventually.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <string>

namespace connector::dataplane {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing_support::DataplaneWorld;
using testing_support::HttpAnswer;
using testing_support::HttpRequest;
using testing_support::kRepositoryPath;
using testing_support::kUpstreamToken;
using testing_support::RawClient;
using testing_support::RawResponse;

const std::string kDeniedManifest = std::string(kRepositoryPath) + "/manifests/v1";

HttpAnswer Served(const HttpRequest&) {
  return {.status = 200, .body = "ok"};
}

token::GrantResult GrantBy(const std::string& deny_list) {
  auto grant =
      testing_support::MakeGrant({"default", "harbor"}, testing_support::kUpstreamToken, "epoch-1");
  grant->deny_list = deny_list;
  return grant;
}

TEST(AChangedDenyList, EndsEveryCachedGrant) {
  DataplaneWorld world(Served);
  EXPECT_EQ(world.Do("GET", kDeniedManifest).status, 200);
  world.issuer().SetAnswer([](const token::GrantRequest&) -> token::GrantResult {
    return token::GrantDenial{token::DenialReason::kDeniedByOperator, "no more", {}, "s"};
  });

  world.PublishDenyList("list-1");

  const RawResponse response = world.Do("GET", kDeniedManifest);
  EXPECT_EQ(response.status, 403);
  EXPECT_THAT(response.body, HasSubstr("CONNECTOR_DENIED_BY_OPERATOR"));
  EXPECT_THAT(response.body, HasSubstr("no more"));
}

TEST(AChangedDenyList, EndsWhatIsKnownOfACallerToo) {
  DataplaneWorld world(Served);
  world.issuer().SetAnswer([](const token::GrantRequest&) -> token::GrantResult {
    return testing_support::MakeGrant({}, kUpstreamToken, "");
  });
  EXPECT_EQ(world.Do("GET", "/v2/").status, 200);
  world.issuer().SetAnswer([](const token::GrantRequest&) -> token::GrantResult {
    return token::GrantDenial{token::DenialReason::kDeniedByOperator, "no more", {}, "s"};
  });

  world.PublishDenyList("list-1");

  EXPECT_EQ(world.Do("GET", "/v2/").status, 403);
}

TEST(AChangedDenyList, LetsThoseGoOnWhomItDoesNotName) {
  DataplaneWorld world(Served);
  EXPECT_EQ(world.Do("GET", kDeniedManifest).status, 200);
  world.issuer().SetAnswer([](const token::GrantRequest&) { return GrantBy("list-1"); });

  world.PublishDenyList("list-1");

  EXPECT_EQ(world.Do("GET", kDeniedManifest).status, 200);
  const std::size_t asked = world.issuer().asks().size();
  EXPECT_EQ(world.Do("GET", kDeniedManifest).status, 200);
  EXPECT_EQ(world.issuer().asks().size(), asked) << "each is asked about once";
}

TEST(AChangedDenyList, IsWhatANewGrantMustHaveBeenCheckedAgainst) {
  dataplane::server::ServerSettings settings;
  settings.route_wait = std::chrono::milliseconds(0);
  DataplaneWorld world(Served, {.settings = settings});
  world.PublishDenyList("list-1");
  world.issuer().SetAnswer([](const token::GrantRequest&) { return GrantBy("list-0"); });

  EXPECT_EQ(world.Do("GET", kDeniedManifest).status, 503);
}

// A registry that sends half of a body, and the rest when it is told to.
struct HalfSent {
  HalfSent() {
    client.Send(DataplaneWorld::Request("GET", kDeniedManifest));
    EXPECT_EQ(client.Read(/*head_only=*/true).status, 200);
  }
  ~HalfSent() { rest.set_value(); }
  HalfSent(const HalfSent&) = delete;
  HalfSent& operator=(const HalfSent&) = delete;

  std::promise<void> rest;
  DataplaneWorld world{[future = rest.get_future().share()](const HttpRequest&) {
    return HttpAnswer{.raw = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf ",
                      .before_reset = [future] { future.wait(); }};
  }};
  RawClient client{world.port()};
};

TEST(AChangedDenyList, EndsABodyUnderWayWhoseCallerItNames) {
  HalfSent half;
  half.world.issuer().SetAnswer([](const token::GrantRequest&) -> token::GrantResult {
    return token::GrantDenial{token::DenialReason::kDeniedByOperator, "no more", {}, "s"};
  });
  const auto denied_at = std::chrono::steady_clock::now();

  half.world.PublishDenyList("list-1");

  static_cast<void>(half.client.ReadToEnd());
  EXPECT_TRUE(half.client.was_reset());
  EXPECT_LT(std::chrono::steady_clock::now() - denied_at, std::chrono::seconds(1));
  EXPECT_THAT(half.world.log(), HasSubstr("a request under way was ended"));
}

TEST(AChangedDenyList, LetsABodyUnderWayGoOnForAnyOtherAnswer) {
  for (const auto reason :
       {token::DenialReason::kBrokerUnavailable, token::DenialReason::kCallerUnauthenticated}) {
    HalfSent half;
    half.world.issuer().SetAnswer([reason](const token::GrantRequest&) -> token::GrantResult {
      return token::GrantDenial{reason, "away", {}, "s"};
    });
    const std::size_t asked = half.world.issuer().asks().size();

    half.world.PublishDenyList("list-1");
    EXPECT_TRUE(
        testing_support::Eventually([&] { return half.world.issuer().asks().size() > asked + 1; }));

    EXPECT_THAT(half.world.log(), Not(HasSubstr("a request under way was ended")));
  }
}

TEST(AChangedDenyList, AsksABrokerThatIsBehindOnceMore) {
  HalfSent half;
  std::atomic<int> answers{0};
  half.world.issuer().SetAnswer([&answers](const token::GrantRequest&) -> token::GrantResult {
    if (answers++ == 0) {
      return GrantBy("list-0");
    }
    return token::GrantDenial{token::DenialReason::kDeniedByOperator, "no more", {}, "s"};
  });

  half.world.PublishDenyList("list-1");

  static_cast<void>(half.client.ReadToEnd());
  EXPECT_TRUE(half.client.was_reset());
}

// A registry that has the request, and answers when it is told to.
struct HeldBack {
  HeldBack() {
    client.Send(DataplaneWorld::Request("GET", kDeniedManifest));
    EXPECT_TRUE(
        testing_support::Eventually([this] { return world.registry().requests().size() == 1; }));
  }

  std::promise<void> go_on;
  DataplaneWorld world{[wait = go_on.get_future().share()](const HttpRequest& request) {
    wait.wait();
    return Served(request);
  }};
  RawClient client{world.port()};
};

TEST(AChangedDenyList, LetsARequestUnderWayGoOnWhoseCallerItDoesNotName) {
  HeldBack held;
  DataplaneWorld& world = held.world;
  world.issuer().SetAnswer([](const token::GrantRequest&) { return GrantBy("list-1"); });
  const std::size_t asked = world.issuer().asks().size();
  world.PublishDenyList("list-1");
  ASSERT_TRUE(testing_support::Eventually([&] { return world.issuer().asks().size() > asked; }));
  EXPECT_EQ(world.Do("GET", "/none").status, 404) << "what came before is done";

  held.go_on.set_value();

  EXPECT_EQ(held.client.Read().status, 200);
}

TEST(AChangedDenyList, EndsNoOtherRequestOfTheConnection) {
  HeldBack held;
  DataplaneWorld& world = held.world;
  world.issuer().SetAnswer([](const token::GrantRequest& asked) -> token::GrantResult {
    if (asked.caller_token->Reveal() == "other") {
      return GrantBy("list-1");
    }
    return token::GrantDenial{token::DenialReason::kDeniedByOperator, "no more", {}, "s"};
  });
  world.issuer().Hold();
  const std::size_t asked = world.issuer().asks().size();
  world.PublishDenyList("list-1");
  ASSERT_TRUE(testing_support::Eventually([&] { return world.issuer().asks().size() > asked; }));

  held.go_on.set_value();
  EXPECT_EQ(held.client.Read().status, 200);
  held.client.Send("GET " + kDeniedManifest +
                   " HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer other\r\n\r\n");
  ASSERT_TRUE(
      testing_support::Eventually([&] { return world.issuer().asks().size() > asked + 1; }));
  world.issuer().Release();

  EXPECT_EQ(held.client.Read().status, 200);
}

}  // namespace
}  // namespace connector::dataplane
