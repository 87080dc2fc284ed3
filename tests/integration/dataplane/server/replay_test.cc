#include "tests/support/cpp/dataplane_world.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <utility>

namespace connector::dataplane {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using testing_support::DataplaneWorld;
using testing_support::HttpAnswer;
using testing_support::HttpRequest;
using testing_support::HttpServer;
using testing_support::kRepositoryPath;
using testing_support::kUpstreamToken;
using testing_support::MakeGrant;
using testing_support::RawClient;
using testing_support::RawResponse;

const std::string kReplayManifest = std::string(kRepositoryPath) + "/manifests/v1";
const std::string kReplayUploads = std::string(kRepositoryPath) + "/blobs/uploads/";
const std::string kReplayType = "Content-Type: application/json\r\n";
constexpr std::string_view kNewToken = "new-token-123";

token::GrantResult NewTokenWhenMintedAnew(const token::GrantRequest& grant_request) {
  return MakeGrant(
      {"default", "harbor"}, grant_request.mint_anew ? kNewToken : kUpstreamToken, "epoch-1");
}

bool HasNewToken(const HttpRequest& request) {
  return request.Header("authorization") == "Bearer " + std::string(kNewToken);
}

HttpAnswer Accept(const HttpRequest& request) {
  if (request.method == "POST" || request.method == "PATCH") {
    return {.status = 202, .headers = {{"Location", "/v2/team/app/blobs/uploads/session-1"}}};
  }
  return {.status = request.method == "PUT" ? 201 : 200};
}

// The token that was granted first is good for all but requests of this method.
HttpServer::Handler TokenDiesBefore(std::string method) {
  return [method = std::move(method)](const HttpRequest& request) {
    return request.method == method && !HasNewToken(request) ? HttpAnswer{.status = 401}
                                                             : Accept(request);
  };
}

std::size_t CountOf(DataplaneWorld& world, const std::string& method) {
  std::size_t count = 0;
  for (const HttpRequest& request : world.registry().requests()) {
    count += request.method == method ? 1 : 0;
  }
  return count;
}

std::string Chunks(const std::string& payload) {
  std::ostringstream out;
  out << std::hex << payload.size() << "\r\n" << payload << "\r\n0\r\n\r\n";
  return out.str();
}

// The sizes go out with the head, and by several reads.
class AManifestWhoseTokenDied : public ::testing::TestWithParam<std::size_t> {};

TEST_P(AManifestWhoseTokenDied, IsSentOnceMoreWithANewToken) {
  DataplaneWorld world(TokenDiesBefore("PUT"));
  world.issuer().SetAnswer(NewTokenWhenMintedAnew);
  const std::string body(GetParam(), 'm');

  EXPECT_EQ(world.Do("PUT", kReplayManifest, kReplayType, body).status, 201);

  const auto requests = world.registry().requests();
  ASSERT_THAT(requests, SizeIs(2));
  EXPECT_TRUE(requests[1].body == body);
  EXPECT_EQ(requests[1].Header("content-type"), "application/json");
}

INSTANTIATE_TEST_SUITE_P(Sizes,
                         AManifestWhoseTokenDied,
                         ::testing::Values(std::size_t{2},
                                           std::size_t{300'000},
                                           std::size_t{8 * 1024 * 1024}));

TEST(AManifestInChunks, IsSentOnceMoreWithALength) {
  DataplaneWorld world(TokenDiesBefore("PUT"));
  world.issuer().SetAnswer(NewTokenWhenMintedAnew);
  RawClient client(world.port());

  client.Send(DataplaneWorld::Request(
                  "PUT", kReplayManifest, kReplayType + "Transfer-Encoding: chunked\r\n") +
              Chunks("{\"a\":1}") + DataplaneWorld::Request("GET", "/v2/"));

  EXPECT_EQ(client.Read().status, 201);
  EXPECT_EQ(client.Read().body, "{}") << "the connection is in step";
  const auto requests = world.registry().requests();
  EXPECT_EQ(requests.back().body, "{\"a\":1}");
  EXPECT_EQ(requests.back().Header("content-length"), "7");
}

TEST(AManifest, ThatIsRefusedBeforeItWasReadGoesOnWhereItStopped) {
  DataplaneWorld world(Accept);
  world.issuer().SetAnswer(NewTokenWhenMintedAnew);
  world.registry().AnswerEarly([](const HttpRequest& request) -> std::optional<HttpAnswer> {
    return HasNewToken(request) ? std::nullopt : std::optional(HttpAnswer{.status = 401});
  });
  RawClient client(world.port());
  const std::string body(900'000, 'm');

  client.Send(DataplaneWorld::Request(
      "PUT",
      kReplayManifest,
      kReplayType + "Content-Length: " + std::to_string(body.size()) + "\r\n"));
  client.Send(body.substr(0, 100'000));
  client.Send(body.substr(100'000));

  EXPECT_EQ(client.Read().status, 201);
  EXPECT_TRUE(world.registry().requests().back().body == body);
}

TEST(ASmallChunkOfAnUpload, IsSentOnceMoreWithANewToken) {
  DataplaneWorld world(TokenDiesBefore("PATCH"));
  world.issuer().SetAnswer(NewTokenWhenMintedAnew);
  const std::string location = world.Do("POST", kReplayUploads).Header("location");

  EXPECT_EQ(world.Do("PATCH", location, "Content-Range: 0-4\r\n", "hello").status, 202);

  const HttpRequest last = world.registry().requests().back();
  EXPECT_EQ(last.body, "hello");
  EXPECT_EQ(last.Header("content-range"), "0-4");
}

TEST(ARequestThatIsRepeated, IsOneRequestToLogAndCounters) {
  DataplaneWorld world(TokenDiesBefore("PUT"));
  world.issuer().SetAnswer(NewTokenWhenMintedAnew);

  EXPECT_EQ(world.Do("PUT", kReplayManifest, kReplayType, "{\"a\":1}").status, 201);
  world.server().Drain();

  const server::Counters& counters = *world.server().Snapshot().counters.front();
  EXPECT_EQ(counters.bytes_up.Get(), 7U);
  EXPECT_EQ(counters.responses_by_class[2].Get(), 1U);
  EXPECT_EQ(counters.token_retries.Get(), 1U);
  const std::string log = world.log();
  const std::size_t line = log.find("\"method\":\"PUT\"");
  EXPECT_NE(line, std::string::npos);
  EXPECT_EQ(log.find("\"method\":\"PUT\"", line + 1), std::string::npos);
}

// Longer than what is kept of an upload: the client has to send it again, and gets a new token.
TEST(ALargeChunkOfAnUpload, IsRefusedSoThatTheClientSendsItAgain) {
  DataplaneWorld world(TokenDiesBefore("PATCH"));
  world.issuer().SetAnswer(NewTokenWhenMintedAnew);
  const std::string location = world.Do("POST", kReplayUploads).Header("location");
  const std::string body(200'000, 'x');

  const RawResponse refused = world.Do("PATCH", location, "", body);

  EXPECT_EQ(refused.status, 503);
  EXPECT_NE(refused.Header("retry-after"), "");
  EXPECT_THAT(refused.body, AllOf(HasSubstr("CONNECTOR_SEND_AGAIN"), Not(HasSubstr("credential"))));
  EXPECT_EQ(world.Do("PATCH", location, "", body).status, 202);
}

TEST(ALargeChunkOfAnUpload, WhoseCredentialIsTheSameWhenMintedAnewIsRefusedForGood) {
  DataplaneWorld world([](const HttpRequest& request) {
    return request.method == "PATCH" ? HttpAnswer{.status = 401} : Accept(request);
  });
  const std::string location = world.Do("POST", kReplayUploads).Header("location");

  EXPECT_EQ(world.Do("PATCH", location, "", std::string(200'000, 'x')).status, 403);
}

// A registry that closes a kept connection without a byte, just as a request of `method` comes.
class ClosingRegistry {
 public:
  explicit ClosingRegistry(std::string method) : method_(std::move(method)) {}
  HttpAnswer operator()(const HttpRequest& request) {
    if (request.method == method_ && !closed_->exchange(true)) {
      return {.unanswered = true};
    }
    return Accept(request);
  }

 private:
  std::string method_;
  std::shared_ptr<std::atomic<bool>> closed_ = std::make_shared<std::atomic<bool>>(false);
};

TEST(AKeptConnectionThatDied, IsReplacedForAManifest) {
  DataplaneWorld world(ClosingRegistry("PUT"));
  EXPECT_EQ(world.Do("GET", kReplayManifest).status, 200);

  EXPECT_EQ(world.Do("PUT", kReplayManifest, kReplayType, "{\"a\":1}").status, 201);

  EXPECT_EQ(world.registry().requests().back().body, "{\"a\":1}");
  EXPECT_EQ(CountOf(world, "PUT"), 2U);
  EXPECT_EQ(world.registry().connections(), 2U);
}

TEST(AKeptConnectionThatDied, IsReplacedForAPostThatSaysThatItsBodyIsEmpty) {
  DataplaneWorld world(ClosingRegistry("POST"));
  EXPECT_EQ(world.Do("GET", kReplayManifest).status, 200);

  EXPECT_EQ(world.Do("POST", kReplayUploads, "Content-Length: 0\r\n").status, 202);
}

// What the registry took of the first one may be in the upload already.
TEST(AKeptConnectionThatDied, IsNotReplacedForAChunkOfAnUpload) {
  DataplaneWorld world(ClosingRegistry("PATCH"));
  const std::string location = world.Do("POST", kReplayUploads).Header("location");

  const RawResponse response = world.Do("PATCH", location, "", "hello");

  EXPECT_EQ(response.status, 503);
  EXPECT_THAT(response.body, HasSubstr("CONNECTOR_SEND_AGAIN"));
  EXPECT_EQ(CountOf(world, "PATCH"), 1U);
}

TEST(ANewConnectionThatDied, IsNotReplacedForAManifest) {
  DataplaneWorld world(ClosingRegistry("PUT"));

  EXPECT_EQ(world.Do("PUT", kReplayManifest, kReplayType, "{}").status, 502);
  EXPECT_EQ(CountOf(world, "PUT"), 1U);
}

TEST(AClientThatLeaves, WhileItsRequestIsRepeatedEndsIt) {
  DataplaneWorld world(Accept);
  world.issuer().SetAnswer(NewTokenWhenMintedAnew);
  std::atomic<bool> refused{false};
  world.registry().AnswerEarly([&](const HttpRequest& request) -> std::optional<HttpAnswer> {
    if (HasNewToken(request)) {
      return std::nullopt;
    }
    refused = true;
    return HttpAnswer{.status = 401};
  });
  {
    RawClient client(world.port());
    client.Send(
        DataplaneWorld::Request("PUT", kReplayManifest, kReplayType + "Content-Length: 1000\r\n"));
    client.Send("half");
    while (world.issuer().asks().size() < 2) {
      std::this_thread::yield();
    }
  }
  EXPECT_TRUE(refused);
  // Comes after it on the same core.
  EXPECT_EQ(world.Do("GET", "/v2/").status, 200);
  for (const HttpRequest& request : world.registry().requests()) {
    EXPECT_FALSE(HasNewToken(request)) << "no manifest arrived as whole";
  }
}

}  // namespace
}  // namespace connector::dataplane
