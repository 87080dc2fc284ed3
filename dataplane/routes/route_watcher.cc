#include "dataplane/routes/route_watcher.h"

#include "common/resilience/backoff.h"
#include "common/resilience/random.h"

#include "proto/connector/broker/v1/broker.grpc.pb.h"

#include <grpcpp/grpcpp.h>

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

std::string_view ClassName(pb::SecretClass secret) {
  switch (secret) {
    case pb::SECRET_CLASS_DERIVED:
      return "derived";
    case pb::SECRET_CLASS_BOUNDED:
      return "bounded";
    case pb::SECRET_CLASS_STATIC:
      return "static";
    default:
      return "none";
  }
}

}  // namespace

struct RouteWatcher::Impl {
  Impl(const std::shared_ptr<grpc::ChannelInterface>& channel, Publish on_table, log::Logger& log)
      : stub(pb::Broker::NewStub(channel)), publish(std::move(on_table)), logger(log) {}

  void Run();
  void ReadStream();
  void Apply(const pb::WatchRoutesResponse& update);
  Result<std::shared_ptr<const Route>> MakeRoute(const pb::Route& from);
  std::shared_ptr<const crypto::SealKeys> MakeKeys(const pb::WatchRoutesResponse& update);
  Result<net::TlsContext> ContextFor(const std::string& ca_pem);
  bool Pause(milliseconds duration);

  std::unique_ptr<pb::Broker::Stub> stub;
  Publish publish;
  log::Logger& logger;
  std::shared_ptr<const RouteTable> table = std::make_shared<RouteTable>();
  std::map<std::string, net::TlsContext> contexts;  // By CA bundle.
  std::map<ConnectorRef, std::shared_ptr<RouteStats>> stats;

  mutable std::mutex mutex;
  std::condition_variable wake;
  bool stopping = false;
  grpc::ClientContext* context = nullptr;  // Of the stream under way.
  WatchStatus status;
  std::thread thread;
};

RouteWatcher::RouteWatcher(const std::shared_ptr<grpc::ChannelInterface>& channel,
                           Publish publish,
                           log::Logger& logger)
    : impl_(std::make_unique<Impl>(channel, std::move(publish), logger)) {
  impl_->thread = std::thread([impl = impl_.get()] { impl->Run(); });
}

RouteWatcher::~RouteWatcher() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
    if (impl_->context != nullptr) {
      impl_->context->TryCancel();
    }
    impl_->wake.notify_all();
  }
  impl_->thread.join();
}

WatchStatus RouteWatcher::Status() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->status;
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
  pb::WatchRoutesResponse update;
  while (reader->Read(&update)) {
    Apply(update);
  }
  const grpc::Status ended = reader->Finish();
  logger.Debug("route stream ended",
               {{"code", static_cast<int>(ended.error_code())}, {"detail", ended.error_message()}});
  const std::lock_guard lock(mutex);
  context = nullptr;
}

Result<net::TlsContext> RouteWatcher::Impl::ContextFor(const std::string& ca_pem) {
  const auto known = contexts.find(ca_pem);
  if (known != contexts.end()) {
    return known->second;
  }
  Result<net::TlsContext> made = net::MakeUpstreamContext(ca_pem);
  if (made) {
    contexts.emplace(ca_pem, *made);
  }
  return made;
}

Result<std::shared_ptr<const Route>> RouteWatcher::Impl::MakeRoute(const pb::Route& from) {
  auto route = std::make_shared<Route>();
  route->ref = {from.connector().namespace_(), from.connector().name()};
  Result<http::Origin> origin = http::ParseOrigin(from.address());
  if (!origin) {
    return std::move(origin).error();
  }
  route->origin = *std::move(origin);
  Result<net::TlsContext> tls = ContextFor(from.ca_bundle());
  if (!tls) {
    return std::move(tls).error();
  }
  route->tls = *std::move(tls);
  route->tls_profile = from.ca_bundle();
  route->mirror_hosts.assign(from.mirror_hosts().begin(), from.mirror_hosts().end());
  routing::RouteSettings settings = routing::FromProto(from.redirects(), from.limits());
  route->redirects = std::move(settings.redirects);
  route->limits = settings.limits;
  route->allow_insecure = from.allow_insecure_upstream();
  route->docker_hub = from.docker_hub();
  route->epoch = from.epoch();
  route->secret_class = ClassName(from.secret_class());
  std::shared_ptr<RouteStats>& counters = stats[route->ref];
  if (counters == nullptr) {
    counters = std::make_shared<RouteStats>();
  }
  route->stats = counters;
  return std::shared_ptr<const Route>(std::move(route));
}

std::shared_ptr<const crypto::SealKeys> RouteWatcher::Impl::MakeKeys(
    const pb::WatchRoutesResponse& update) {
  auto keys = std::make_shared<crypto::SealKeys>();
  for (const pb::SealingKey& from : update.sealing_keys()) {
    Result<Done> added = keys->Add(from.id(), Secret(from.key()));
    if (added && from.current()) {
      added = keys->SetCurrent(from.id());
    }
    if (!added) {
      logger.Error("sealing key refused", {{"id", from.id()}, {"reason", added.error().message}});
    }
  }
  return keys;
}

void RouteWatcher::Impl::Apply(const pb::WatchRoutesResponse& update) {
  auto next = std::make_shared<RouteTable>(update.snapshot() ? RouteTable{} : *table);
  for (const pb::ConnectorRef& gone : update.removed()) {
    next->routes.erase({gone.namespace_(), gone.name()});
  }
  for (const pb::Route& from : update.routes()) {
    const ConnectorRef ref{from.connector().namespace_(), from.connector().name()};
    Result<std::shared_ptr<const Route>> route = MakeRoute(from);
    if (route) {
      next->routes[ref] = *std::move(route);
    } else {
      // Fail closed: a route that cannot be understood serves nobody.
      next->routes.erase(ref);
      logger.Error("route refused",
                   {{"connector", ref.ToString()}, {"reason", route.error().message}});
    }
  }
  if (update.sealing_keys_size() > 0) {
    next->sealing_keys = MakeKeys(update);
  }
  table = next;
  publish(next);
  const std::lock_guard lock(mutex);
  if (!status.connected) {
    logger.Info("routes received", {{"connectors", next->routes.size()}});
  }
  status.synced = true;
  status.connected = true;
  ++status.updates;
}

}  // namespace connector::dataplane::routes
