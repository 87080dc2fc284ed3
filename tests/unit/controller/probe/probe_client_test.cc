#include "controller/probe/probe_client.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <gtest/gtest.h>

#include <exception>
#include <optional>
#include <string>

namespace connector::controller::probe {
namespace {

using Answer = Result<std::vector<status::ProbeStepResult>>;

// A port that takes connections and never says a word: calls stay under way.
class SilentBroker {
 public:
  SilentBroker() : acceptor_(io_, {asio::ip::address_v4::loopback(), 0}) {}

  [[nodiscard]] std::string address() const {
    return "127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port());
  }

 private:
  asio::io_context io_;
  asio::ip::tcp::acceptor acceptor_;
};

// Whoever destroys the client destroys the executor next: no call may come back after that.
TEST(ProbeClient, EndsTheCallsThatAreWaitedFor) {
  const SilentBroker broker;
  asio::io_context io;
  auto client = std::make_unique<ProbeClient>(
      grpc::CreateChannel(broker.address(), grpc::InsecureChannelCredentials()),
      std::chrono::minutes(1));
  std::optional<Answer> answer;
  auto keep = [&answer](const std::exception_ptr&, Answer given) { answer = std::move(given); };
  asio::co_spawn(Executor(io.get_executor()), client->Check({"team-a", "harbor"}), std::move(keep));
  io.poll();
  ASSERT_FALSE(answer);

  client.reset();
  io.restart();
  io.poll();

  ASSERT_TRUE(answer);
  ASSERT_FALSE(*answer);
  EXPECT_EQ(answer->error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace connector::controller::probe
