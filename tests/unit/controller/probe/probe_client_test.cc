#include "controller/probe/probe_client.h"

#include "common/broker_client/broker_client.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

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

// Says, some time later, whether the client was still there when it was destroyed.
struct Witness {
  explicit Witness(const std::atomic<bool>& client_gone) : gone(client_gone) {}
  ~Witness() {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    EXPECT_FALSE(gone) << "the call outlived the client, and holds its channel";
  }
  Witness(const Witness&) = delete;
  Witness& operator=(const Witness&) = delete;

  const std::atomic<bool>& gone;
};

// A thread of gRPC that lets go of the last channel waits for itself, and gRPC aborts.
TEST(BrokerClient, IsNotGoneBeforeItsCalls) {
  using Call = broker_client::UnaryCall<broker::v1::CheckConnectorRequest,
                                        broker::v1::CheckConnectorResponse>;
  const SilentBroker broker;
  std::atomic<bool> gone = false;
  auto client = std::make_unique<broker_client::BrokerClient>(
      grpc::CreateChannel(broker.address(), grpc::InsecureChannelCredentials()),
      std::chrono::minutes(1));
  auto done = [witness = std::make_shared<Witness>(gone)](const grpc::Status&) {};
  ASSERT_TRUE(client->Start(
      std::make_shared<Call>(), &broker_client::AsyncBroker::CheckConnector, std::move(done)));
  client.reset();
  gone = true;
  std::this_thread::sleep_for(std::chrono::milliseconds(200));  // For what came too late.
}

}  // namespace
}  // namespace connector::controller::probe
