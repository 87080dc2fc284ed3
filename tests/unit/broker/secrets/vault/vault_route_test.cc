#include "broker/secrets/vault/vault_route.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace connector::broker::secrets {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;
using Kind = VaultRouteStep::Kind;

const std::vector<http::Origin> kThree = {
    {true, "a.example", 8200}, {true, "b.example", 8200}, {true, "c.example", 8200}};
const std::vector<http::Origin> kOne = {{true, "a.example", 8200}};

VaultHop HopWithStatus(int status, std::string location = "") {
  VaultHop hop;
  hop.status = status;
  hop.location = std::move(location);
  return hop;
}

VaultHop NoAnswer(Retry retry = Retry::kSafe) {
  VaultHop hop;
  hop.failure =
      MakeError(ErrorCode::kDeadlineExceeded, ErrorOrigin::kUpstream, "a did not answer", retry);
  return hop;
}

TEST(VaultRoute, DeliversWhatVaultItselfSays) {
  for (const int status : {200, 204, 400, 403, 404, 405, 500}) {
    EXPECT_EQ(VaultRoute(kThree, 0).OnAnswer(HopWithStatus(status), 0).kind, Kind::kDeliver)
        << status;
  }
}

TEST(VaultRoute, TriesEachAddressOnceFromTheOneThatAnsweredLast) {
  VaultRoute route(kThree, 1);

  VaultRouteStep step = route.OnAnswer(NoAnswer(), 0);
  EXPECT_EQ(step.kind, Kind::kAsk);
  EXPECT_EQ(step.address, 2u);
  step = route.OnAnswer(HopWithStatus(502), 0);
  EXPECT_EQ(step.kind, Kind::kAsk);
  EXPECT_EQ(step.address, 0u);
  step = route.OnAnswer(NoAnswer(), 0);
  EXPECT_EQ(step.kind, Kind::kFail);
  EXPECT_EQ(step.error.code, ErrorCode::kUnavailable);
}

TEST(VaultRoute, DoesNotRepeatWhatMayHaveHadAnEffect) {
  EXPECT_EQ(VaultRoute(kThree, 0).OnAnswer(NoAnswer(Retry::kNever), 0).kind, Kind::kFail);
}

TEST(VaultRoute, FollowsARedirectToAConfiguredAddressOnly) {
  VaultRouteStep step =
      VaultRoute(kThree, 0).OnAnswer(HopWithStatus(307, "https://c.example:8200/v1/x"), 0);
  EXPECT_EQ(step.kind, Kind::kAsk);
  EXPECT_EQ(step.address, 2u);

  for (const char* elsewhere : {"https://d.example:8200/v1/x",
                                "http://c.example:8200/v1/x",
                                "https://c.example:8201/v1/x",
                                "https://c.example:8200@d.example/v1/x",
                                "https://c.example.d.example:8200/",
                                "//c.example:8200/v1/x",
                                "/v1/x"}) {
    for (const int status : {307, 472, 473}) {
      step = VaultRoute(kThree, 0).OnAnswer(HopWithStatus(status, elsewhere), 0);
      EXPECT_EQ(step.kind, Kind::kFail) << elsewhere;
      EXPECT_EQ(step.error.retry, Retry::kNever) << elsewhere;
      EXPECT_THAT(step.error.message, HasSubstr("is not followed")) << elsewhere;
    }
  }
}

TEST(VaultRoute, FollowsOnlySoManyRedirects) {
  VaultRoute route(kThree, 0);
  for (int i = 0; i < kMaxVaultRedirects; ++i) {
    ASSERT_EQ(route.OnAnswer(HopWithStatus(307, "https://b.example:8200/"), 0).kind, Kind::kAsk);
  }
  EXPECT_EQ(route.OnAnswer(HopWithStatus(307, "https://b.example:8200/"), 0).kind, Kind::kFail);
}

TEST(VaultRoute, GoesToTheNextAddressFromAStandbyThatNamesNobody) {
  EXPECT_EQ(VaultRoute(kThree, 0).OnAnswer(HopWithStatus(473), 0).address, 1u);
  EXPECT_EQ(VaultRoute(kOne, 0).OnAnswer(HopWithStatus(472), 0).kind, Kind::kFail);
}

TEST(VaultRoute, AsksTheSameAddressForMissingStateAfterAGrowingPause) {
  VaultRoute route(kOne, 0);
  std::vector<std::int64_t> waits;
  for (int i = 0; i < kMaxStateRetries; ++i) {
    const VaultRouteStep step = route.OnAnswer(HopWithStatus(412), 1.0);
    ASSERT_EQ(step.kind, Kind::kAsk);
    waits.push_back(step.wait.count());
  }
  EXPECT_EQ(waits, (std::vector<std::int64_t>{100, 200, 400, 800, 1600}));
  EXPECT_EQ(route.OnAnswer(HopWithStatus(412), 1.0).kind, Kind::kFail);
}

TEST(VaultRoute, StopsWhenVaultLimitsUsWhicheverTheAddress) {
  VaultHop hop = HopWithStatus(429);
  hop.retry_after = seconds(9);

  const VaultRouteStep step = VaultRoute(kThree, 0).OnAnswer(hop, 0);

  EXPECT_EQ(step.kind, Kind::kFail);
  EXPECT_EQ(step.error.retry_after, seconds(9));
}

TEST(VaultRoute, SaysThatVaultIsSealed) {
  VaultHop hop = HopWithStatus(503);
  hop.sealed = true;
  hop.retry_after = seconds(4);

  const VaultRouteStep step = VaultRoute(kOne, 0).OnAnswer(hop, 0);

  EXPECT_TRUE(step.sealed);
  EXPECT_EQ(step.error.message, "Vault at https://a.example:8200 is sealed");
  EXPECT_EQ(step.error.retry_after, seconds(4));
}

TEST(HopOf, ReadsRetryAfterAsSecondsOrAsADate) {
  constexpr std::int64_t kToday = 1'700'000'000;  // Tue, 14 Nov 2023 22:13:20 GMT
  const auto read = [](const std::string& text) {
    curl::CurlResponse response;
    response.status = 503;
    response.headers["retry-after"] = text;
    return HopOf(std::move(response), kToday).retry_after;
  };

  EXPECT_EQ(read("7"), seconds(7));
  EXPECT_EQ(read("Tue, 14 Nov 2023 22:13:50 GMT"), seconds(30));
  EXPECT_EQ(read("Tue, 14 Nov 2023 22:00:00 GMT"), seconds(0));
  EXPECT_EQ(read("99999999"), seconds(3600));
  for (const char* nonsense : {"", "soon", "-7", "7s", "7 8"}) {
    EXPECT_EQ(read(nonsense), std::nullopt) << nonsense;
  }
}

TEST(HopOf, TellsASealedVaultByItsWords) {
  curl::CurlResponse response;
  response.status = 503;
  response.body = Secret(R"({"errors":["Vault is sealed"]})");
  EXPECT_TRUE(HopOf(std::move(response), 0).sealed);

  curl::CurlResponse other;
  other.status = 503;
  EXPECT_FALSE(HopOf(std::move(other), 0).sealed);
}

}  // namespace
}  // namespace connector::broker::secrets
