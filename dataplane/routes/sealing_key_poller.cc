#include "dataplane/routes/sealing_key_poller.h"

#include "common/base/polling_thread.h"
#include "common/broker_client/broker_client.h"
#include "common/resilience/backoff.h"
#include "common/resilience/random.h"

#include "proto/connector/broker/v1/broker.pb.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <mutex>
#include <optional>
#include <utility>

namespace connector::dataplane::routes {
namespace {

namespace pb = ::connector::broker::v1;
using std::chrono::milliseconds;

// Without keys no upload begins, and clients come as soon as there are routes: a broker that is
// back is asked within 200 ms. While it is away, a question fails here and costs it nothing.
constexpr resilience::BackoffOptions kAskAgain{milliseconds(50), milliseconds(200)};
// Whatever the broker says.
constexpr std::chrono::seconds kShortestWait{1};
constexpr std::chrono::seconds kLongestWait{3600};

milliseconds WaitAfter(const pb::GetSealingKeysResponse& response) {
  const std::chrono::seconds asked(response.ask_again_after().seconds());
  return resilience::SpreadPeriod(milliseconds(std::clamp(asked, kShortestWait, kLongestWait)),
                                  resilience::RandomFraction());
}

}  // namespace

Result<std::shared_ptr<const crypto::SealKeys>> ReadSealingKeys(
    const pb::GetSealingKeysResponse& response) {
  auto keys = std::make_shared<crypto::SealKeys>();
  for (const pb::SealingKey& from : response.keys()) {
    Result<Done> added = keys->Add(from.id(), Secret(from.key()));
    if (added && from.current()) {
      added = keys->SetCurrent(from.id());
    }
    if (!added) {
      return std::move(added).error();
    }
  }
  if (!keys->has_current()) {
    return MakeError(ErrorCode::kInvalidArgument,
                     ErrorOrigin::kBroker,
                     "the broker says of no sealing key that it is the current one");
  }
  return std::shared_ptr<const crypto::SealKeys>(std::move(keys));
}

struct SealingKeyPoller::Impl {
  Impl(const std::shared_ptr<grpc::ChannelInterface>& channel,
       milliseconds timeout,
       Publish on_keys,
       log::Logger& log)
      : publish(std::move(on_keys)), logger(log), broker(channel, timeout) {}

  // Asks once; how long to wait before the next time.
  [[nodiscard]] milliseconds Ask();
  // Until when the keys need not be asked for again; nothing when they were not had.
  [[nodiscard]] std::optional<milliseconds> Poll();
  void Note(std::string problem);

  Publish publish;
  log::Logger& logger;

  mutable std::mutex mutex;  // Guards the status.
  SealingKeyStatus status;
  broker_client::BrokerClient broker;
  resilience::Backoff backoff{kAskAgain};  // Of the thread.
  PollingThread thread;
};

SealingKeyPoller::SealingKeyPoller(const std::shared_ptr<grpc::ChannelInterface>& channel,
                                   milliseconds timeout,
                                   Publish publish,
                                   log::Logger& logger)
    : impl_(std::make_unique<Impl>(channel, timeout, std::move(publish), logger)) {}

SealingKeyPoller::~SealingKeyPoller() {
  Stop();
}

void SealingKeyPoller::Start() {
  impl_->thread.Start(milliseconds(0), [impl = impl_.get()] { return impl->Ask(); });
}

void SealingKeyPoller::Stop() {
  impl_->thread.RequestStop();
  impl_->broker.Shutdown();
  impl_->thread.Stop();
}

SealingKeyStatus SealingKeyPoller::Status() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->status;
}

milliseconds SealingKeyPoller::Impl::Ask() {
  const std::optional<milliseconds> wait = Poll();
  if (!wait) {
    return backoff.Next(resilience::RandomFraction());
  }
  backoff.Reset();
  return *wait;
}

std::optional<milliseconds> SealingKeyPoller::Impl::Poll() {
  pb::GetSealingKeysResponse response;
  const grpc::Status answered = broker.Call(
      pb::GetSealingKeysRequest(), response, &broker_client::BrokerStub::GetSealingKeys);
  if (!answered.ok()) {
    Note(answered.error_code() == grpc::StatusCode::UNIMPLEMENTED
             ? "the broker is of another version; update brokers and data planes together"
             : answered.error_message());
    return std::nullopt;
  }
  Result<std::shared_ptr<const crypto::SealKeys>> keys = ReadSealingKeys(response);
  for (pb::SealingKey& key : *response.mutable_keys()) {
    OPENSSL_cleanse(key.mutable_key()->data(), key.key().size());
  }
  if (!keys) {
    Note(keys.error().message);
    return std::nullopt;
  }
  publish(*std::move(keys));
  Note({});
  return WaitAfter(response);
}

void SealingKeyPoller::Impl::Note(std::string problem) {
  const std::lock_guard lock(mutex);
  if (thread.stopping()) {
    return;
  }
  if (!problem.empty() && status.problem.empty()) {
    logger.Warning("no sealing keys from the broker; those of before stay in force",
                   {{"detail", problem}});
  } else if (problem.empty() && !(status.received && status.problem.empty())) {
    logger.Info("sealing keys received");
  }
  status.received = status.received || problem.empty();
  status.problem = std::move(problem);
}

}  // namespace connector::dataplane::routes
