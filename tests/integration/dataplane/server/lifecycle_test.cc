#include "tests/support/cpp/dataplane_world.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <string>
#include <thread>

namespace connector::dataplane {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using testing_support::DataplaneWorld;
using testing_support::HttpAnswer;
using testing_support::HttpRequest;
using testing_support::kRepositoryPath;
using testing_support::RawClient;
using testing_support::RawResponse;

const std::string kLifecycleManifest = std::string(kRepositoryPath) + "/manifests/v1";

HttpAnswer OkNow(const HttpRequest&) {
  return {.status = 200, .body = "ok"};
}

TEST(ATlsClientHello, OnThePlainPortIsAnsweredWithHttp400) {
  DataplaneWorld world(OkNow);
  RawClient client(world.port());

  client.Send(std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11));
  const RawResponse response = client.Read();

  EXPECT_EQ(response.status, 400);
  EXPECT_TRUE(client.AtEnd());
}

TEST(AMalformedHead, IsAnsweredAndEndsTheConnection) {
  DataplaneWorld world(OkNow);
  RawClient client(world.port());

  client.Send(
      "GET /v2/ HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nxGET "
      "/v2/ HTTP/1.1\r\nHost: a\r\n\r\n");

  EXPECT_EQ(client.Read().status, 400);
  EXPECT_TRUE(client.AtEnd()) << "what follows is not read as a request";
}

TEST(AHeadThatTakesTooLong, EndsTheConnection) {
  server::ServerSettings settings;
  settings.head_timeout = std::chrono::milliseconds(100);
  DataplaneWorld world(OkNow, {.settings = settings});
  RawClient client(world.port());

  client.Send("GET /v2/ HT");

  EXPECT_TRUE(client.AtEnd());
}

TEST(AnIdleConnection, IsClosedAfterTheKeepaliveTimeout) {
  server::ServerSettings settings;
  settings.keepalive_timeout = std::chrono::milliseconds(100);
  DataplaneWorld world(OkNow, {.settings = settings});
  RawClient client(world.port());

  EXPECT_TRUE(client.AtEnd());
}

TEST(Draining, FinishesTheRequestUnderWayAndClosesTheIdleConnection) {
  std::promise<void> arrived;
  std::promise<void> go_on;
  DataplaneWorld world([&, future = go_on.get_future().share()](const HttpRequest&) {
    arrived.set_value();
    future.wait();
    return HttpAnswer{.status = 200, .body = "finished"};
  });
  RawClient idle(world.port());
  RawClient busy(world.port());
  busy.Send(DataplaneWorld::Request("GET", kLifecycleManifest));
  arrived.get_future().wait();

  std::thread drain([&] { world.server().Drain(); });
  EXPECT_TRUE(idle.AtEnd());
  go_on.set_value();
  const RawResponse response = busy.Read();
  drain.join();

  EXPECT_EQ(response.body, "finished");
  EXPECT_THROW(RawClient{world.port()}, std::runtime_error) << "no longer accepts";
}

TEST(TheAccessLog, SaysWhoDidWhatAndHoldsNoToken) {
  DataplaneWorld world(OkNow);

  static_cast<void>(world.Do("GET", kLifecycleManifest, "X-Request-Id: req-42\r\n"));
  world.server().Drain();

  const std::string log = world.log();
  EXPECT_THAT(log, HasSubstr(R"("request_id":"req-42")"));
  EXPECT_THAT(log, HasSubstr(R"("subject":"system:serviceaccount:ci:builder")"));
  EXPECT_THAT(log, HasSubstr(R"("repository":"team/app")"));
  EXPECT_THAT(log, HasSubstr(R"("status":200)"));
  EXPECT_THAT(log, Not(HasSubstr("caller-token")));
  EXPECT_THAT(log, Not(HasSubstr(testing_support::kUpstreamToken)));
}

TEST(ManyColdRequests, OfOneCallerAskTheBrokerOnce) {
  DataplaneWorld world(OkNow);
  world.issuer().Hold();
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 50; ++i) {
    clients.push_back(std::make_unique<RawClient>(world.port()));
    clients.back()->Send(DataplaneWorld::Request("GET", kLifecycleManifest));
  }
  // Sent last: when it is answered, all others are waiting for the broker.
  RawClient last(world.port());
  last.Send("GET /v2/ HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(last.Read().status, 401);
  world.issuer().Release();

  for (const auto& client : clients) {
    EXPECT_EQ(client->Read().status, 200);
  }
  EXPECT_THAT(world.issuer().asks(), SizeIs(1));
}

}  // namespace
}  // namespace connector::dataplane
