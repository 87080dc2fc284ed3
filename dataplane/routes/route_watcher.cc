#include "dataplane/routes/route_watcher.h"

#include "common/resilience/backoff.h"
#include "common/resilience/random.h"
#include "dataplane/routes/table_updater.h"

#include "proto/connector/broker/v1/broker.grpc.pb.h"

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

namespace connector::dataplane::routes {
namespace {

namespace pb = ::connector::broker::v1;
using std::chrono::milliseconds;

// A broker that is back is heard within 2 s.
constexpr resilience::BackoffOptions kReconnect{milliseconds(100), milliseconds(2000)};

}  // namespace

struct RouteWatcher::Impl {
  Impl(const std::shared_ptr<grpc::ChannelInterface>& channel, Publish on_table, log::Logger& log)
      : stub(pb::Broker::NewStub(channel)),
        publish(std::move(on_table)),
        logger(log),
        stream(std::make_shared<RouteStream>()),
        updater(log, stream) {}

  void Run();
  void ReadStream();
  [[nodiscard]] Result<Done> Take(const pb::WatchRoutesResponse& part);
  void PutInForce(std::shared_ptr<const RouteTable> next);
  bool Pause(milliseconds duration);

  std::unique_ptr<pb::Broker::Stub> stub;
  Publish publish;
  log::Logger& logger;
  const std::shared_ptr<RouteStream> stream;
  TableUpdater updater;

  mutable std::mutex mutex;
  std::shared_ptr<const RouteTable> table = std::make_shared<RouteTable>();
  std::condition_variable wake;
  bool stopping = false;
  grpc::ClientContext* context = nullptr;  // Of the stream under way.
  WatchStatus status;
  std::thread thread;
};

RouteWatcher::RouteWatcher(const std::shared_ptr<grpc::ChannelInterface>& channel,
                           Publish publish,
                           log::Logger& logger)
    : impl_(std::make_unique<Impl>(channel, std::move(publish), logger)) {}

RouteWatcher::~RouteWatcher() {
  Stop();
}

void RouteWatcher::Start() {
  impl_->thread = std::thread([impl = impl_.get()] { impl->Run(); });
}

void RouteWatcher::Stop() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
    if (impl_->context != nullptr) {
      impl_->context->TryCancel();
    }
    impl_->wake.notify_all();
  }
  if (impl_->thread.joinable()) {
    impl_->thread.join();
  }
}

WatchStatus RouteWatcher::Status() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->status;
}

std::shared_ptr<const RouteTable> RouteWatcher::Current() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->table;
}

bool RouteWatcher::Impl::Pause(milliseconds duration) {
  std::unique_lock lock(mutex);
  return !wake.wait_for(lock, duration, [this] { return stopping; });
}

void RouteWatcher::Impl::Run() {
  resilience::Backoff backoff(kReconnect);
  bool lost_before = false;
  while (true) {
    const std::uint64_t before = status.updates;
    ReadStream();
    {
      const std::lock_guard lock(mutex);
      if (stopping) {
        return;
      }
      if (status.connected) {
        // Brokers end connections now and then, and drain: that alone is nothing to look into.
        logger.Info("route stream ended; the last routes stay in force");
      } else if (status.synced && !lost_before) {
        logger.Warning("no broker streams routes; the last routes stay in force");
      }
      lost_before = !status.connected;
      status.connected = false;
      ++status.reconnects;
      if (status.updates > before) {
        backoff.Reset();
      }
    }
    if (!Pause(backoff.Next(resilience::RandomFraction()))) {
      return;
    }
  }
}

void RouteWatcher::Impl::ReadStream() {
  grpc::ClientContext stream_context;
  {
    const std::lock_guard lock(mutex);
    if (stopping) {
      return;
    }
    context = &stream_context;
  }
  const auto reader = stub->WatchRoutes(&stream_context, pb::WatchRoutesRequest());
  updater.BeginStream();
  pb::WatchRoutesResponse part;
  std::string refused;
  while (reader->Read(&part)) {
    if (const Result<Done> taken = Take(part); !taken) {
      refused = taken.error().message;
      logger.Error("route stream refused", {{"reason", refused}});
      stream_context.TryCancel();
      while (reader->Read(&part)) {  // gRPC wants all of it read before the end.
      }
    }
  }
  const grpc::Status ended = reader->Finish();
  logger.Debug("route stream ended",
               {{"code", static_cast<int>(ended.error_code())}, {"detail", ended.error_message()}});
  stream->SetLost(std::chrono::steady_clock::now());
  const std::lock_guard lock(mutex);
  context = nullptr;
  status.problem = !refused.empty()                ? refused
                   : ended.error_message().empty() ? "the broker ended it"
                                                   : ended.error_message();
}

Result<Done> RouteWatcher::Impl::Take(const pb::WatchRoutesResponse& part) {
  Result<std::shared_ptr<const RouteTable>> next = updater.Take(part);
  if (!next) {
    return next.error();
  }
  if (*next != nullptr) {
    PutInForce(*std::move(next));
  }
  return Done{};
}

void RouteWatcher::Impl::PutInForce(std::shared_ptr<const RouteTable> next) {
  stream->SetConnected();
  publish(next);
  const std::lock_guard lock(mutex);
  table = std::move(next);
  if (!status.connected) {
    logger.Info("routes received", {{"connectors", table->routes.size()}});
  }
  status.synced = true;
  status.connected = true;
  status.problem.clear();
  ++status.updates;
}

}  // namespace connector::dataplane::routes
