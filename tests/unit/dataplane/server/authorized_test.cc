// What a request needs before it may be sent on: it was understood, and it has a grant together
// with the route of the grant's epoch.

#include "dataplane/server/authorized.h"

#include "tests/support/cpp/fake_issuer.h"
#include "tests/support/cpp/run_task.h"

#include <boost/asio/steady_timer.hpp>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>

namespace connector::dataplane::server {
namespace {

using testing_support::FakeIssuer;
using testing_support::MakeGrant;

const ConnectorRef kHarbor{"default", "harbor"};

// One request on a connection that leads nowhere.
struct RequestWorld {
  explicit RequestWorld(std::string text) : head(std::move(text)) {
    const http::HeadResult parsed = http::ParseRequestHead(head, scratch.request);
    EXPECT_EQ(parsed.status, http::HeadStatus::kComplete);
  }
  std::variant<ParsedRequest, Rejection> Parse() { return ParseRequest(context); }
  ParsedRequest Parsed() { return std::get<ParsedRequest>(Parse()); }

  const std::string head;  // What was parsed of it refers to it.
  asio::io_context io;
  log::Logger logger{-1, "test", log::Level::kError};
  FakeIssuer issuer{[](const token::GrantRequest&) { return token::GrantDenial{}; }};
  token::GrantCache grants{issuer, 16};
  ServerSettings settings;
  RecentServerErrors recent_errors;
  EdgeBudgets budgets{1, 0};
  Worker worker{io,
                {.settings = settings,
                 .grants = grants,
                 .logger = logger,
                 .recent_errors = recent_errors,
                 .budgets = budgets},
                -1};
  net::Stream stream{net::Socket(io.get_executor()), worker.timers};
  ClientConnection client{.stream = stream, .address = "192.0.2.1:1"};
  Scratch scratch;
  RequestContext context{.worker = worker, .client = client, .scratch = scratch, .buffered = {}};
};

std::string Head(const std::string& line, const std::string& fields = {}) {
  return line + " HTTP/1.1\r\nHost: proxy\r\nAuthorization: Bearer caller\r\n" + fields + "\r\n";
}

const std::string kGet = Head("GET /v2/namespaces/default/connectors/harbor/a/manifests/1");
const std::string kMount =
    "POST /v2/namespaces/default/connectors/harbor/a/blobs/uploads/?mount=sha256:" +
    std::string(64, 'a') + "&from=namespaces/default/connectors/harbor/b";

routes::RouteTable Table(const std::string& epoch) {
  auto route = std::make_shared<routes::Route>();
  route->ref = kHarbor;
  route->epoch = epoch;
  routes::RouteTable table;
  table.routes[kHarbor] = std::move(route);
  return table;
}

TEST(ARequest, ThatIsNotUnderstoodIsRejectedAsMalformed) {
  RequestWorld world(Head("GET /v2/a/%2e%2e/manifests/1"));
  const auto parsed = world.Parse();

  EXPECT_EQ(std::get<Rejection>(parsed).decision, RequestDecision::kMalformed);
  EXPECT_EQ(std::get<Rejection>(parsed).reply.status, 400);
}

TEST(ARequest, WithoutACallersTokenIsRejected) {
  RequestWorld world(
      "GET /v2/namespaces/default/connectors/harbor/a/manifests/1 HTTP/1.1\r\n"
      "Host: proxy\r\n\r\n");
  const auto parsed = world.Parse();

  EXPECT_EQ(std::get<Rejection>(parsed).decision, RequestDecision::kNoCredential);
  EXPECT_EQ(std::get<Rejection>(parsed).reply.status, 401);
}

TEST(ARequest, ForAMountGivesItUpAndAsksForLess) {
  RequestWorld world(Head(kMount));
  ParsedRequest request = world.Parsed();
  ASSERT_TRUE(request.CanGiveUpMount());
  ASSERT_EQ(world.context.grant_request.scopes.size(), 2U);
  const std::string key = world.context.cache_key;

  request.GiveUpMount();

  EXPECT_EQ(world.context.grant_request.scopes.size(), 1U);
  EXPECT_NE(world.context.cache_key, key) << "the grant of the mount serves it no more";
  EXPECT_FALSE(request.CanGiveUpMount());
}

TEST(ARequest, ForAMountWithABodyHasNoWayBack) {
  RequestWorld world(Head(kMount, "Content-Length: 5\r\n"));

  EXPECT_FALSE(world.Parsed().CanGiveUpMount());
}

TEST(AGrant, IsUsedWithTheRouteOfItsEpochAlone) {
  RequestWorld world(kGet);
  const auto grant = MakeGrant(kHarbor, "token", "epoch-1");

  EXPECT_TRUE(Authorized::Join(world.Parsed(), grant, Table("epoch-1")));
  EXPECT_FALSE(Authorized::Join(world.Parsed(), grant, Table("epoch-2")));
  EXPECT_TRUE(Authorized::Join(world.Parsed(), grant, Table("epoch-2.epoch-1")))
      << "a root key is being replaced, and one broker has it already";
  EXPECT_FALSE(Authorized::Join(world.Parsed(), grant, routes::RouteTable{}));
}

// The broker grants for the epoch "epoch-2", and the route is of "epoch-1".
struct NewGrantWorld : RequestWorld {
  NewGrantWorld() : RequestWorld(kGet) {
    settings.route_wait = std::chrono::milliseconds(20);
    issuer.SetAnswer(
        [](const token::GrantRequest&) { return MakeGrant(kHarbor, "token", "epoch-2"); });
    Take("epoch-1");
  }
  void Take(const std::string& epoch) {
    auto table = std::make_shared<routes::RouteTable>(Table(epoch));
    table->stream = stream_state;
    worker.TakeRoutes(std::move(table));
  }
  AuthorizeResult Run() { return testing_support::RunTask(io, Authorize(request, false)); }
  oci::ErrorReply Refused() { return std::get<Rejection>(Run()).reply; }

  const ParsedRequest request = Parsed();
  const std::shared_ptr<routes::RouteStream> stream_state = std::make_shared<routes::RouteStream>();
};

TEST(ANewGrant, WaitsForTheRouteOfItsEpoch) {
  NewGrantWorld world;
  world.settings.route_wait = std::chrono::minutes(1);
  asio::steady_timer push(world.io, std::chrono::milliseconds(5));
  push.async_wait([&](boost::system::error_code) { world.Take("another"); });
  asio::steady_timer second_push(world.io, std::chrono::milliseconds(10));
  second_push.async_wait([&](boost::system::error_code) { world.Take("epoch-2"); });

  const AuthorizeResult result = world.Run();

  EXPECT_EQ(std::get<Authorized>(result).route().epoch, "epoch-2");
  EXPECT_EQ(world.issuer.asks().size(), 1U);
}

TEST(ANewGrant, ThatIsOlderThanTheRouteIsAskedForAgain) {
  NewGrantWorld world;
  world.settings.route_wait = std::chrono::minutes(1);
  world.Take("epoch-3");
  asio::steady_timer other_broker(world.io, std::chrono::milliseconds(20));
  other_broker.async_wait([&](boost::system::error_code) {
    world.issuer.SetAnswer(
        [](const token::GrantRequest&) { return MakeGrant(kHarbor, "token", "epoch-3"); });
  });

  const AuthorizeResult result = world.Run();

  EXPECT_EQ(std::get<Authorized>(result).route().epoch, "epoch-3");
  EXPECT_EQ(world.issuer.asks().size(), 2U);
}

TEST(ANewGrant, IsNotUsedWithARouteOfAnotherEpoch) {
  NewGrantWorld world;

  const oci::ErrorReply reply = world.Refused();

  EXPECT_EQ(reply.status, 503);
  EXPECT_GT(reply.retry_after, std::chrono::seconds(0));
  EXPECT_EQ(world.context.record.route, nullptr);
}

TEST(ANewGrant, IsNotUsedWithRoutesThatNobodyRenewedForAMinute) {
  NewGrantWorld world;
  world.Take("epoch-2");
  world.stream_state->SetLost(std::chrono::steady_clock::now() - routes::kMaxRouteSilence);

  EXPECT_EQ(world.Refused().status, 503);

  world.stream_state->SetConnected();
  EXPECT_TRUE(std::holds_alternative<Authorized>(world.Run()));
}

TEST(ACachedGrant, ServesOnWhenNobodyRenewsTheRoutes) {
  NewGrantWorld world;
  world.Take("epoch-2");
  ASSERT_TRUE(std::holds_alternative<Authorized>(world.Run()));
  world.stream_state->SetLost(std::chrono::steady_clock::now() - routes::kMaxRouteSilence);

  EXPECT_TRUE(std::holds_alternative<Authorized>(world.Run()));
}

}  // namespace
}  // namespace connector::dataplane::server
