// The poller on a real gRPC channel, with a broker that answers as it is told.

#include "dataplane/routes/sealing_key_poller.h"

#include "proto/connector/broker/v1/broker.grpc.pb.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace connector::dataplane::routes {
namespace {

namespace pb = ::connector::broker::v1;
using ::testing::HasSubstr;

pb::GetSealingKeysResponse KeysOf(const std::vector<std::uint32_t>& ids, std::uint32_t current) {
  pb::GetSealingKeysResponse response;
  for (const std::uint32_t id : ids) {
    pb::SealingKey& key = *response.add_keys();
    key.set_id(id);
    key.set_key(std::string(crypto::kSealKeyBytes, 'k'));
    key.set_current(id == current);
  }
  return response;
}

TEST(ReadSealingKeys, TakesAllAndSealsWithTheCurrentOne) {
  const auto keys = ReadSealingKeys(KeysOf({7, 8, 9}, 8));

  ASSERT_TRUE(keys.has_value());
  EXPECT_EQ((*keys)->current(), 8U);
  EXPECT_NE((*keys)->Find(7), nullptr);
  EXPECT_NE((*keys)->Find(9), nullptr);
}

TEST(ReadSealingKeys, TakesAllOrNone) {
  pb::GetSealingKeysResponse short_key = KeysOf({7, 8}, 8);
  short_key.mutable_keys(0)->mutable_key()->pop_back();

  EXPECT_FALSE(ReadSealingKeys({}).has_value());
  EXPECT_FALSE(ReadSealingKeys(KeysOf({7, 8}, 9)).has_value()) << "none is current";
  EXPECT_FALSE(ReadSealingKeys(KeysOf({7, 7}, 7)).has_value()) << "two have one id";
  EXPECT_FALSE(ReadSealingKeys(short_key).has_value());
}

// Answers from a list, and with its last answer from then on.
class PlayedBroker final : public pb::Broker::Service {
 public:
  using Answer = std::pair<grpc::Status, pb::GetSealingKeysResponse>;

  explicit PlayedBroker(std::deque<Answer> answers) : answers_(std::move(answers)) {
    grpc::ServerBuilder builder;
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~PlayedBroker() override { server_->Shutdown(); }
  PlayedBroker(const PlayedBroker&) = delete;
  PlayedBroker& operator=(const PlayedBroker&) = delete;

  std::shared_ptr<grpc::Channel> Channel() { return server_->InProcessChannel({}); }

  grpc::Status GetSealingKeys(grpc::ServerContext* /*context*/,
                              const pb::GetSealingKeysRequest* /*request*/,
                              pb::GetSealingKeysResponse* response) override {
    const std::lock_guard lock(mutex_);
    const Answer answer = answers_.front();
    if (answers_.size() > 1) {
      answers_.pop_front();
    }
    *response = answer.second;
    return answer.first;
  }

 private:
  std::mutex mutex_;
  std::deque<Answer> answers_;
  std::unique_ptr<grpc::Server> server_;
};

class SealingKeyPollerTest : public ::testing::Test {
 protected:
  SealingKeyPoller Poller(PlayedBroker& broker) {
    return SealingKeyPoller(
        broker.Channel(),
        std::chrono::seconds(30),
        [this](const std::shared_ptr<const crypto::SealKeys>& keys) {
          const std::lock_guard lock(mutex_);
          keys_ = keys;
          changed_.notify_all();
        },
        logger_);
  }
  // Waits until keys with this current one were published.
  bool AwaitCurrent(std::uint32_t id) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(
        lock, std::chrono::seconds(30), [&] { return keys_ != nullptr && keys_->current() == id; });
  }
  static SealingKeyStatus AwaitStatus(const SealingKeyPoller& poller,
                                      const std::function<bool(const SealingKeyStatus&)>& is) {
    SealingKeyStatus status = poller.Status();
    while (!is(status)) {
      std::this_thread::yield();
      status = poller.Status();
    }
    return status;
  }

  log::Logger logger_{2, "test", log::Level::kError};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::shared_ptr<const crypto::SealKeys> keys_;
};

TEST_F(SealingKeyPollerTest, AsksUntilABrokerAnswersAndThenAgain) {
  const grpc::Status away(grpc::StatusCode::UNAVAILABLE, "away");
  PlayedBroker broker({{away, {}}, {grpc::Status::OK, KeysOf({7}, 7)}, {{}, KeysOf({7, 8}, 8)}});
  SealingKeyPoller poller = Poller(broker);

  poller.Start();

  EXPECT_TRUE(AwaitCurrent(8));
  const auto status = AwaitStatus(poller, [](const auto& each) { return each.received; });
  EXPECT_EQ(status.problem, "");
}

TEST_F(SealingKeyPollerTest, SaysWhyItHasNone) {
  PlayedBroker broker({{grpc::Status(grpc::StatusCode::PERMISSION_DENIED, "not for you"), {}}});
  SealingKeyPoller poller = Poller(broker);

  poller.Start();

  const auto status = AwaitStatus(poller, [](const auto& each) { return !each.problem.empty(); });
  EXPECT_FALSE(status.received);
  EXPECT_EQ(status.problem, "not for you");
}

TEST_F(SealingKeyPollerTest, SaysThatABrokerIsOfAnotherVersion) {
  PlayedBroker broker({{grpc::Status(grpc::StatusCode::UNIMPLEMENTED, ""), {}}});
  SealingKeyPoller poller = Poller(broker);

  poller.Start();

  const auto status = AwaitStatus(poller, [](const auto& each) { return !each.problem.empty(); });
  EXPECT_THAT(status.problem, HasSubstr("of another version"));
}

TEST_F(SealingKeyPollerTest, KeepsTheKeysOfBeforeWhenTheBrokerGivesNone) {
  PlayedBroker broker({{grpc::Status::OK, KeysOf({7}, 7)}, {grpc::Status::OK, {}}});
  SealingKeyPoller poller = Poller(broker);

  poller.Start();

  const auto status = AwaitStatus(poller, [](const auto& each) { return !each.problem.empty(); });
  EXPECT_TRUE(status.received);
  EXPECT_TRUE(AwaitCurrent(7));
}

}  // namespace
}  // namespace connector::dataplane::routes
