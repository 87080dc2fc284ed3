#include "dataplane/routes/table_updater.h"

#include "common/crypto/digest.h"
#include "common/routing/read_upstream_policy.h"
#include "common/routing/upstream_policy_proto.h"

#include "proto/connector/broker/v1/broker.pb.h"

#include <set>
#include <string_view>
#include <utility>

namespace connector::dataplane::routes {
namespace {

namespace pb = ::connector::broker::v1;

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

TableUpdater::TableUpdater(log::Logger& logger, std::shared_ptr<const RouteStream> stream)
    : logger_(logger) {
  auto empty = std::make_shared<RouteTable>();
  empty->stream = std::move(stream);
  table_ = std::move(empty);
}

void TableUpdater::BeginStream() {
  begun_ = false;
  next_ = nullptr;
}

void TableUpdater::TakeBundle(const pb::CaBundle& bundle) {
  if (crypto::Sha256Hex(bundle.pem()) != bundle.digest()) {
    logger_.Error("CA bundle refused: it has another digest than the broker says",
                  {{"digest", bundle.digest()}});
    return;
  }
  if (!trusts_.contains(bundle.digest())) {
    const Result<net::TlsContext> system = FindContext({});
    trusts_.emplace(bundle.digest(),
                    system ? net::MakeUpstreamContext(bundle.pem(), *system) : system);
  }
}

Result<net::TlsContext> TableUpdater::FindContext(const std::string& digest) {
  const auto found = trusts_.find(digest);
  if (found != trusts_.end()) {
    return found->second;
  }
  if (digest.empty()) {
    return trusts_.emplace(digest, net::MakeUpstreamContext({})).first->second;
  }
  return MakeError(ErrorCode::kInvalidArgument,
                   ErrorOrigin::kBroker,
                   "it names a CA bundle that the broker did not send");
}

Result<std::shared_ptr<const Route>> TableUpdater::MakeRoute(const pb::Route& from) {
  auto route = std::make_shared<Route>();
  route->ref = {from.connector().namespace_(), from.connector().name()};
  Result<http::Origin> origin = http::ParseOrigin(from.address());
  if (!origin) {
    return std::move(origin).error();
  }
  route->origin = *std::move(origin);
  Result<net::TlsContext> tls = FindContext(from.ca_digest());
  if (!tls) {
    return std::move(tls).error();
  }
  route->tls = *std::move(tls);
  route->profile = from.ca_digest();
  route->mirror_hosts.assign(from.mirror_hosts().begin(), from.mirror_hosts().end());
  routing::RouteSettings settings = routing::FromProto(from.redirects(), from.limits());
  route->redirects = std::move(settings.redirects);
  route->limits = settings.limits;
  route->allow_insecure = from.allow_insecure_upstream();
  if (from.has_upstream_policy() || from.has_narrowed_upstream_policy()) {
    const pb::NarrowedUpstreamPolicy& narrowed = from.narrowed_upstream_policy();
    std::optional<routing::UpstreamPolicy> policy =
        from.has_narrowed_upstream_policy()
            ? routing::FromProto(narrowed.platform(), &narrowed.connector_class())
            : routing::FromProto(from.upstream_policy());
    if (!policy) {
      return MakeError(ErrorCode::kInvalidArgument,
                       ErrorOrigin::kBroker,
                       "this data plane does not understand its upstream policy");
    }
    route->profile += crypto::Sha256Hex(routing::CanonicalText(*policy));
    route->upstream_policy = std::make_shared<const routing::UpstreamPolicy>(*std::move(policy));
  }
  route->docker_hub = from.docker_hub();
  route->epoch = from.epoch();
  route->secret_class = ClassName(from.secret_class());
  std::shared_ptr<RouteStats>& counters = stats_[route->ref];
  if (counters == nullptr) {
    counters = std::make_shared<RouteStats>();
  }
  route->stats = counters;
  return std::shared_ptr<const Route>(std::move(route));
}

void TableUpdater::TakeRoute(const pb::Route& from) {
  const ConnectorRef ref{from.connector().namespace_(), from.connector().name()};
  named_[ref] = from.ca_digest();
  Result<std::shared_ptr<const Route>> route = MakeRoute(from);
  if (route) {
    next_->routes[ref] = *std::move(route);
    return;
  }
  // Fail closed: a route that cannot be understood serves nobody.
  next_->routes.erase(ref);
  logger_.Error("route refused",
                {{"connector", ref.ToString()}, {"reason", route.error().message}});
}

Result<std::shared_ptr<const RouteTable>> TableUpdater::Take(const pb::WatchRoutesResponse& part) {
  if (part.snapshot()) {
    begun_ = true;
    next_ = std::make_shared<RouteTable>();
    next_->stream = table_->stream;
    named_.clear();
  } else if (!begun_) {
    return MakeError(ErrorCode::kInvalidArgument,
                     ErrorOrigin::kBroker,
                     "the broker's route stream does not begin with a snapshot");
  } else if (next_ == nullptr) {
    next_ = std::make_shared<RouteTable>(*table_);
  }
  for (const pb::CaBundle& bundle : part.ca_bundles()) {
    TakeBundle(bundle);
  }
  for (const pb::ConnectorRef& gone : part.removed()) {
    next_->routes.erase({gone.namespace_(), gone.name()});
    named_.erase({gone.namespace_(), gone.name()});
  }
  for (const pb::Route& from : part.routes()) {
    TakeRoute(from);
  }
  if (!part.end()) {
    return std::shared_ptr<const RouteTable>();
  }
  next_->deny_list = part.deny_list();
  table_ = std::exchange(next_, nullptr);
  EraseUnused();
  return table_;
}

void TableUpdater::EraseUnused() {
  std::set<std::string_view> used{std::string_view()};  // The system's trust is needed again.
  for (const auto& [ref, digest] : named_) {
    used.insert(digest);
  }
  std::erase_if(trusts_, [&](const auto& trust) { return !used.contains(trust.first); });
  std::erase_if(stats_, [&](const auto& of) { return !named_.contains(of.first); });
}

}  // namespace connector::dataplane::routes
