// What is bounded before anybody is known is divided by client address (docs/rules.md "Budgets").

#include "dataplane/server/edge_budgets.h"
#include "tests/support/cpp/dataplane_world.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <fstream>
#include <future>
#include <memory>
#include <string>
#include <vector>

#if defined(__SANITIZE_ADDRESS__) || defined(_GLIBCXX_TSAN)
extern "C" std::size_t __sanitizer_get_current_allocated_bytes();
#endif

namespace connector::dataplane {
namespace {

using testing_support::DataplaneWorld;
using testing_support::HttpAnswer;
using testing_support::HttpRequest;
using testing_support::kRepositoryPath;
using testing_support::RawClient;
using testing_support::RawResponse;
using Clients = std::vector<std::unique_ptr<RawClient>>;

constexpr const char* kAttacker = "127.0.0.1";
constexpr const char* kCaller = "127.0.0.2";
const std::string kBudgetManifest = std::string(kRepositoryPath) + "/manifests/v1";

HttpAnswer Answer(const HttpRequest&) {
  return {.status = 200, .body = "ok"};
}

server::ServerSettings Limits(std::uint32_t connections, std::uint32_t per_address = 0) {
  server::ServerSettings settings;
  settings.max_connections = connections;
  settings.max_connections_per_address = per_address;
  return settings;
}

Clients Open(DataplaneWorld& world, int count, const char* from) {
  Clients clients;
  for (int i = 0; i < count; ++i) {
    clients.push_back(std::make_unique<RawClient>(world.port(), from));
  }
  return clients;
}

int Get(DataplaneWorld& world, const char* from) {
  RawClient client(world.port(), from);
  client.Send(DataplaneWorld::Request("GET", kBudgetManifest));
  return client.Read().status;
}

const server::Counters& CountersOf(DataplaneWorld& world) {
  return *world.server().Snapshot().counters.front();
}

TEST(AnAddress, IsServedBesideTheSilentConnectionsOfAnother) {
  DataplaneWorld world(Answer, {.settings = Limits(20)});
  const Clients silent = Open(world, 40, kAttacker);

  EXPECT_EQ(Get(world, kCaller), 200);
}

TEST(AnAddress, IsServedBesideTheSilentConnectionsOfMany) {
  DataplaneWorld world(Answer, {.settings = Limits(20)});
  Clients silent;
  for (int i = 0; i < 40; ++i) {
    const std::string from = "127.0.1." + std::to_string(i + 1);
    silent.push_back(std::make_unique<RawClient>(world.port(), from.c_str()));
  }

  EXPECT_EQ(Get(world, kCaller), 200);
}

TEST(AnAddress, EndsTheOldestOfItsOwnOverItsShare) {
  DataplaneWorld world(Answer, {.settings = Limits(20, 2)});
  Clients others = Open(world, 2, kCaller);  // As many, and they wait longer.
  Clients own = Open(world, 3, kAttacker);

  EXPECT_TRUE(own[0]->AtEnd());
  for (RawClient* const kept : {own[1].get(), own[2].get(), others[0].get(), others[1].get()}) {
    kept->Send(DataplaneWorld::Request("GET", kBudgetManifest));
    EXPECT_EQ(kept->Read().status, 200);
  }
  EXPECT_EQ(CountersOf(world).connections_evicted.Get(), 1U);
}

TEST(TheAddressWithTheMostConnections, GivesWayAtTheLimit) {
  DataplaneWorld world(Answer, {.settings = Limits(4, 3)});
  Clients many = Open(world, 3, kAttacker);
  RawClient one(world.port(), kCaller);

  EXPECT_EQ(Get(world, "127.0.0.3"), 200);

  EXPECT_TRUE(many.front()->AtEnd());
  one.Send(DataplaneWorld::Request("GET", kBudgetManifest));
  EXPECT_EQ(one.Read().status, 200);
}

TEST(AHalfHead, GivesWayAsASilentConnectionDoes) {
  DataplaneWorld world(Answer, {.settings = Limits(1)});
  RawClient half(world.port(), kAttacker);
  half.Send("GET /v2/ HTTP/1.1\r\nHost: a");

  EXPECT_EQ(Get(world, kCaller), 200);
  EXPECT_TRUE(half.AtEnd());
}

TEST(ARequestUnderWay, NeverGivesWay) {
  std::promise<void> arrived;
  std::promise<void> go_on;
  DataplaneWorld world(
      [&, wait = go_on.get_future().share()](const HttpRequest&) {
        arrived.set_value();
        wait.wait();
        return HttpAnswer{.status = 200, .body = "ok"};
      },
      {.settings = Limits(1)});
  RawClient busy(world.port(), kAttacker);
  busy.Send(DataplaneWorld::Request("GET", kBudgetManifest));
  arrived.get_future().wait();

  RawClient second(world.port(), kCaller);
  const RawResponse refused = second.Read();

  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.Header("retry-after"), "5");
  EXPECT_NE(refused.body.find("\"CONNECTOR_OVERLOADED\""), std::string::npos) << refused.body;
  go_on.set_value();
  EXPECT_EQ(busy.Read().status, 200);
}

// Refused, with a body that its client still sends.
std::unique_ptr<RawClient> Refused(DataplaneWorld& world, const std::string& padding) {
  auto client = std::make_unique<RawClient>(world.port(), kAttacker);
  client->Send("POST " + std::string(kRepositoryPath) +
               "/blobs/uploads/ HTTP/1.1\r\nHost: a\r\nX-Pad: " + padding +
               "\r\nContent-Length: 1000000\r\n\r\n");
  EXPECT_EQ(client->Read().status, 401);
  client->Send(std::string(1000, 'z'));
  return client;
}

TEST(ARefusedConnection, IsReadEmptyAndAtOnceClosedOverTheShareOfItsAddress) {
  DataplaneWorld world(Answer, {.settings = Limits(64)});
  Clients refused;
  // Of eight an address may have four: as many as are then still free.
  for (int i = 0; i < 5; ++i) {
    refused.push_back(Refused(world, "p"));
  }
  const auto give_up_at = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (CountersOf(world).lingering_refused.Get() == 0) {
    ASSERT_LT(std::chrono::steady_clock::now(), give_up_at) << "all of them are read empty";
  }

  EXPECT_EQ(CountersOf(world).lingering_refused.Get(), 1U);
}

// Sanitizers keep what was freed for a while: there, what is allocated counts.
std::size_t HeldKiB() {
#if defined(__SANITIZE_ADDRESS__) || defined(_GLIBCXX_TSAN)
  return __sanitizer_get_current_allocated_bytes() / 1024;
#else
  std::ifstream statm("/proc/self/statm");
  std::size_t size = 0;
  std::size_t resident = 0;
  statm >> size >> resident;
  return resident * 4;
#endif
}

TEST(ARefusedConnection, HoldsNoBufferWhileItIsReadEmpty) {
  constexpr std::size_t kCount = 400;
  DataplaneWorld world(Answer);
  const std::string padding(40'000, 'p');
  const auto warm = Refused(world, padding);
  const std::size_t before = HeldKiB();
  Clients refused;
  for (std::size_t i = 0; i < kCount; ++i) {
    refused.push_back(Refused(world, padding));
  }

  EXPECT_LT((HeldKiB() - before) / kCount, 24U) << "KiB for each";
}

TEST(ALargeHead, OfAnUnknownCallerIsRefusedOverTheShareOfItsAddress) {
  DataplaneWorld world(Answer);
  const std::string half =
      "GET /v2/ HTTP/1.1\r\nHost: a\r\nX-Pad: " + std::string(server::kSmallHeadBytes, 'p');
  Clients large;
  for (std::uint64_t i = 0; i <= server::kMaxLargeHeads / 2; ++i) {
    large.push_back(std::make_unique<RawClient>(world.port(), kAttacker));
    large.back()->Send(half);
  }

  EXPECT_EQ(large.back()->Read().status, 503);
  RawClient other(world.port(), kCaller);
  other.Send(half + "\r\n\r\n");
  EXPECT_EQ(other.Read().status, 401);
}

// A manifest of `repository`, asked for with `token`.
RawResponse GetAs(DataplaneWorld& world,
                  const char* from,
                  const std::string& token,
                  const std::string& repository = "team/app") {
  RawClient client(world.port(), from);
  client.Send("GET /v2/namespaces/default/connectors/harbor/" + repository +
              "/manifests/v1 HTTP/1.1\r\nHost: proxy\r\nAuthorization: Bearer " + token +
              "\r\n\r\n");
  return client.Read();
}

// Accepts tokens that begin with "good".
void AcceptGoodTokens(DataplaneWorld& world) {
  world.issuer().SetAnswer([](const token::GrantRequest& request) -> token::GrantResult {
    if (request.caller_token->Reveal().starts_with("good")) {
      return testing_support::MakeGrant(request.connector, "upstream-token-0123456789", "epoch-1");
    }
    return token::GrantDenial{token::DenialReason::kCallerUnauthenticated, "", {}, ""};
  });
}

TEST(ARefusedToken, IsRefusedAgainWithoutAQuestionToTheBroker) {
  DataplaneWorld world(Answer);
  AcceptGoodTokens(world);

  EXPECT_EQ(GetAs(world, kAttacker, "bad").status, 401);
  EXPECT_EQ(GetAs(world, kAttacker, "bad", "team/other").status, 401);

  EXPECT_EQ(world.issuer().asks().size(), 1U);
  EXPECT_EQ(CountersOf(world).tokens_refused_again.Get(), 1U);
}

TEST(ATokenThatNobodyCouldCheck, IsAskedAboutAgain) {
  DataplaneWorld world(Answer);
  world.issuer().SetAnswer([](const token::GrantRequest&) {
    return token::GrantDenial{token::DenialReason::kIdentityUnavailable, "", {}, ""};
  });
  EXPECT_EQ(GetAs(world, kCaller, "good").status, 503);
  AcceptGoodTokens(world);

  EXPECT_EQ(GetAs(world, kCaller, "good").status, 200);
}

TEST(AnAddress, WithTooManyRefusedTokensWaitsWithNewOnesAlone) {
  server::ServerSettings settings;
  settings.refused_tokens_per_second = 1;
  DataplaneWorld world(Answer, {.settings = settings});
  AcceptGoodTokens(world);
  ASSERT_EQ(GetAs(world, kAttacker, "good-1").status, 200);

  RawResponse last = GetAs(world, kAttacker, "bad");
  for (int i = 0; i < 100 && last.status == 401; ++i) {
    last = GetAs(world, kAttacker, "bad-" + std::to_string(i));
  }
  const std::size_t asked = world.issuer().asks().size();

  EXPECT_EQ(last.status, 429) << last.body;
  EXPECT_EQ(last.Header("retry-after"), "1");
  EXPECT_LE(asked, 1U + 30U);
  EXPECT_EQ(GetAs(world, kAttacker, "good-1", "team/other").status, 200)
      << "it was accepted before";
  EXPECT_EQ(GetAs(world, kCaller, "good-2").status, 200) << "another address";
  EXPECT_GE(CountersOf(world).tokens_of_full_address.Get(), 1U);
}

}  // namespace
}  // namespace connector::dataplane
