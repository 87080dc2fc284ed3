// maxConcurrentRequests: a request's slot is free before its client can see the end of the answer,
// and slots are divided by subject. Most tests take one writer to a halt with the end of an answer
// in its hands, and look whether another client is served meanwhile.

#include "dataplane/relay/relay.h"
#include "tests/support/cpp/dataplane_world.h"
#include "tests/support/cpp/eventually.h"
#include "tests/support/cpp/loopback_pair.h"

#include <boost/asio/co_spawn.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace connector::dataplane {
namespace {

using testing_support::DataplaneWorld;
using testing_support::Eventually;
using testing_support::HttpAnswer;
using testing_support::HttpRequest;
using testing_support::kRepositoryPath;
using testing_support::LoopbackPair;
using testing_support::RawClient;
using testing_support::RawResponse;

const std::string kManifest = std::string(kRepositoryPath) + "/manifests/latest";

// Our own end of the connection whose other end has this port.
int ServerSide(std::uint16_t client_port) {
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    const int fd = std::stoi(entry.path().filename());
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0 &&
        peer.sin_family == AF_INET && ntohs(peer.sin_port) == client_port) {
      return fd;
    }
  }
  return -1;
}

// Until not one byte more can be sent on it, also when the peer's kernel takes some of what waits.
void Fill(int fd) {
  const std::string noise(64 * 1024, 'x');
  while (::send(fd, noise.data(), noise.size(), MSG_DONTWAIT) > 0) {
  }
  const int smallest = 1;
  ASSERT_EQ(::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &smallest, sizeof smallest), 0);
}

struct Ending {
  std::string name;
  int status;
  std::string body;
  friend void PrintTo(const Ending& row, std::ostream* os) { *os << row.name; }
};

class TheEndOfAnAnswer : public ::testing::TestWithParam<Ending> {};

TEST_P(TheEndOfAnAnswer, IsWrittenAfterTheSlotIsFree) {
  const Ending& ending = GetParam();
  DataplaneWorld world(
      [&](const HttpRequest&) { return HttpAnswer{.status = ending.status, .body = ending.body}; },
      {.adjust = [](routes::Route& route) { route.limits.max_concurrent_requests = 1; }});
  RawClient stuck(world.port());
  stuck.Send("GET /v2/ HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_EQ(stuck.Read().status, 401);
  const int server_side = ServerSide(stuck.local_port());
  ASSERT_GE(server_side, 0);
  Fill(server_side);

  stuck.Send(DataplaneWorld::Request("GET", kManifest));

  const auto give_up_at = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  int status = 0;
  while (world.registry().requests().empty() || status == 0 || status == 429) {
    ASSERT_LT(std::chrono::steady_clock::now(), give_up_at) << "the slot is not given back";
    status = world.registry().requests().empty() ? 0 : world.Do("GET", kManifest).status;
  }
  EXPECT_EQ(status, ending.status == 401 ? 403 : ending.status);
}

INSTANTIATE_TEST_SUITE_P(EachWayToAnswer,
                         TheEndOfAnAnswer,
                         ::testing::Values(Ending{"SentWithItsHead", 200, std::string(20'000, 'b')},
                                           Ending{"AnErrorOfTheRegistry", 404, "{}"},
                                           Ending{"ARefusalOfOurOwn", 401, ""}),
                         [](const auto& row) { return row.param.name; });

TEST(ARelayedBody, GivesTheSlotBackWhenItsSourceHasBeenRead) {
  constexpr std::size_t kBody = net::kBufferBytes + 40'000;  // Two portions, not spliced.
  asio::io_context io;
  net::Timers timers(io);
  net::BufferPool buffers;
  LoopbackPair source(io);
  LoopbackPair sink(io, 2048);
  net::Stream from(std::move(source.ours), timers);
  net::Stream to(std::move(sink.ours), timers);
  relay::RequestSlots slots;
  relay::InFlightSlot slot;
  ASSERT_TRUE(slot.Take(slots.SubjectOf("builder"), 1));
  const relay::RelayJob job{.from = from,
                            .to = to,
                            .in = http::BodyFraming::kContentLength,
                            .length = kBody,
                            .head = {},
                            .buffered = {},
                            .buffers = buffers,
                            .source_timeout = std::chrono::seconds(60),
                            .sink_timeout = std::chrono::seconds(60),
                            .slot = &slot};
  bool ended = false;
  asio::co_spawn(io, relay::Relay(job), [&](const std::exception_ptr&, const relay::RelayResult&) {
    ended = true;
  });
  const std::string body(kBody, 'b');
  boost::system::error_code error;
  for (std::size_t sent = 0; sent < kBody;) {
    sent += source.peer.write_some(asio::buffer(body.data() + sent, kBody - sent), error);
    io.poll();
  }
  EXPECT_EQ(slots.taken(), 1U) << "the registry has more to send";

  // Exactly the first portion.
  for (std::size_t seen = 0; seen < net::kBufferBytes;) {
    char bytes[1024];
    seen += sink.peer.read_some(
        asio::buffer(bytes, std::min(sizeof bytes, net::kBufferBytes - seen)), error);
    io.poll();
  }

  EXPECT_FALSE(ended) << "the sink takes no more";
  EXPECT_EQ(slots.taken(), 0U) << "the registry has nothing more to send";

  // The relay ends before what it works on does.
  sink.peer.close(error);
  const auto give_up_at = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!ended) {
    ASSERT_LT(std::chrono::steady_clock::now(), give_up_at) << "the relay does not end";
    io.poll();
  }
}

// A client that takes a little again and again is never idle.
TEST(ARelayedBody, IsCutWhenItsSinkIsSlowerThanTheLeastRate) {
  asio::io_context io;
  net::Timers timers(io);
  timers.Start();
  net::BufferPool buffers;
  LoopbackPair source(io);
  LoopbackPair sink(io, 2048);
  net::Stream from(std::move(source.ours), timers);
  net::Stream to(std::move(sink.ours), timers);
  const relay::RelayJob job{.from = from,
                            .to = to,
                            .in = http::BodyFraming::kContentLength,
                            .length = 1ULL << 40U,
                            .head = {},
                            .buffered = {},
                            .buffers = buffers,
                            .source_timeout = std::chrono::seconds(60),
                            .sink_timeout = std::chrono::milliseconds(300),
                            .min_sink_rate = 1ULL << 50U};
  std::optional<relay::RelayEnd> end;
  asio::co_spawn(io,
                 relay::Relay(job),
                 [&](const std::exception_ptr&, const relay::RelayResult& of) { end = of.end; });
  const std::string body(64 * 1024, 'b');
  std::string taken(1024, ' ');
  const auto give_up_at = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!end && std::chrono::steady_clock::now() < give_up_at) {
    boost::system::error_code ignored;
    source.peer.write_some(asio::buffer(body), ignored);
    sink.peer.read_some(asio::buffer(taken), ignored);
    io.poll();
  }

  EXPECT_EQ(end, relay::RelayEnd::kSinkTimeout);
  timers.Stop();
}

// The same towards us: each byte ends a wait, and none ends the body.
class AnUploadOfASlowClient : public ::testing::Test {
 protected:
  explicit AnUploadOfASlowClient(std::uint64_t least_rate = 1ULL << 40U)
      : world_([](const HttpRequest&) { return HttpAnswer{.status = 201}; },
               {.settings = Settings(least_rate)}) {}

  static server::ServerSettings Settings(std::uint64_t least_rate) {
    server::ServerSettings settings;
    settings.idle_timeout = std::chrono::milliseconds(300);
    settings.min_client_rate = least_rate;
    return settings;
  }

  // Sends `portion` each 5 ms until the whole body is sent or an answer is there. Its status; 0 for
  // a connection that was closed without one.
  int Upload(std::size_t body, const std::string& portion) {
    client_.Send(DataplaneWorld::Request(
        "POST",
        std::string(kRepositoryPath) + "/blobs/uploads/?digest=sha256:" + std::string(64, 'a'),
        "Content-Length: " + std::to_string(body) + "\r\n"));
    const auto give_up_at = std::chrono::steady_clock::now() + std::chrono::seconds(8);
    std::future<RawResponse> answer =
        std::async(std::launch::async, [this] { return client_.Read(); });
    std::size_t sent = 0;
    while (answer.wait_for(std::chrono::milliseconds(5)) != std::future_status::ready &&
           std::chrono::steady_clock::now() < give_up_at) {
      if (sent < body) {
        client_.Send(portion);
        sent += portion.size();
      }
    }
    EXPECT_LT(std::chrono::steady_clock::now(), give_up_at);
    return answer.get().status;
  }

  DataplaneWorld world_;
  RawClient client_{world_.port()};
};

TEST_F(AnUploadOfASlowClient, IsCutWhenItIsSlowerThanTheLeastRate) {
  EXPECT_EQ(Upload(1ULL << 30U, "x"), 0) << "a refusal is no cut";
  EXPECT_TRUE(Eventually([&] { return ServerSide(client_.local_port()) < 0; }));
}

class AnUploadOfAClientThatKeepsUp : public AnUploadOfASlowClient {
 protected:
  AnUploadOfAClientThatKeepsUp() : AnUploadOfASlowClient(1024) {}
};

// What the kernel moves counts as well. The waiting is longer than what the rate is judged by.
TEST_F(AnUploadOfAClientThatKeepsUp, GoesOnAtTheLeastRate) {
  const std::string portion(16 * 1024, 'b');
  EXPECT_EQ(Upload(96 * portion.size(), portion), 201);
}

// And towards a client that takes a body.
class ADownloadOfASlowClient : public ::testing::Test {
 protected:
  static constexpr std::size_t kBody = 64 * 1024 * 1024;  // Moved in the kernel.

  // What a client gets that takes some 50 MB/s.
  static std::size_t Received(std::uint64_t least_rate) {
    server::ServerSettings settings;
    settings.idle_timeout = std::chrono::milliseconds(300);
    settings.min_client_rate = least_rate;
    DataplaneWorld world(
        [](const HttpRequest&) {
          return HttpAnswer{.status = 200, .body = std::string(kBody, 'b')};
        },
        {.settings = settings});
    const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(world.port());
    EXPECT_EQ(::connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    const std::string request = DataplaneWorld::Request(
        "GET", std::string(kRepositoryPath) + "/blobs/sha256:" + std::string(64, 'a'));
    EXPECT_EQ(::send(client, request.data(), request.size(), 0),
              static_cast<ssize_t>(request.size()));
    std::size_t received = 0;
    std::string bytes(256 * 1024, ' ');
    EXPECT_TRUE(Eventually([&] {
      const ssize_t got = ::recv(client, bytes.data(), bytes.size(), 0);
      received += got > 0 ? static_cast<std::size_t>(got) : 0;
      return got <= 0 || received >= kBody;
    }));
    ::close(client);
    return received;
  }
};

TEST_F(ADownloadOfASlowClient, IsCutWhenItIsSlowerThanTheLeastRate) {
  const std::size_t received = Received(1ULL << 40U);

  EXPECT_GT(received, 0U);
  EXPECT_LT(received, kBody);
}

TEST_F(ADownloadOfASlowClient, GoesOnAtTheLeastRate) {
  EXPECT_GE(Received(1024), kBody);
}

// The subject of a request is its token here.
TEST(ASubjectWithManyRequests, LeavesASlotToAnotherOne) {
  std::promise<void> go_on;
  DataplaneWorld world(
      [&, wait = go_on.get_future().share()](const HttpRequest& request) {
        if (request.target.ends_with("/slow")) {
          wait.wait();
        }
        return HttpAnswer{.status = 200, .body = "ok"};
      },
      {.adjust = [](routes::Route& route) { route.limits.max_concurrent_requests = 8; }});
  world.issuer().SetAnswer([](const token::GrantRequest& asked) -> token::GrantResult {
    auto grant = testing_support::MakeGrant(
        {"default", "harbor"}, testing_support::kUpstreamToken, "epoch-1");
    grant->subject = std::string(asked.caller_token->Reveal());
    return grant;
  });
  RawClient other(world.port());
  other.Send(DataplaneWorld::Request("GET", kManifest));
  EXPECT_EQ(other.Read().status, 200) << "the subject of a request, and not of its connection";
  std::vector<std::unique_ptr<RawClient>> many;
  for (int i = 0; i < 20; ++i) {
    many.push_back(std::make_unique<RawClient>(world.port()));
    many.back()->Send(
        DataplaneWorld::Request("GET", std::string(kRepositoryPath) + "/manifests/slow"));
  }
  const auto give_up_at = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (world.registry().requests().size() < 1 + 7) {
    ASSERT_LT(std::chrono::steady_clock::now(), give_up_at);
  }

  other.Send("GET " + kManifest + " HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer other\r\n\r\n");
  EXPECT_EQ(other.Read().status, 200);

  go_on.set_value();
  EXPECT_EQ(many.front()->Read().status, 200);
}

}  // namespace
}  // namespace connector::dataplane
