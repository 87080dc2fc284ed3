#include "dataplane/app/forwarding_service.h"

#include "common/broker_client/channel.h"
#include "dataplane/app/status.h"

#include <grpcpp/channel.h>

#include <utility>

namespace connector::dataplane::app {

ForwardingService::ForwardingService(program::Runtime& runtime, const DataplaneOptions& options)
    : runtime_(runtime),
      options_(options),
      broker_(broker_client::MakeBrokerChannel(
          {options.broker_address, options.broker_tls, options.broker_server_name},
          broker_client::ChannelUse::kTokens)),
      issuer_(std::make_unique<token::GrpcIssuer>(broker_, options.broker_timeout)),
      grants_(*issuer_, options.token_cache_entries),
      server_(options.server, grants_, runtime.logger()),
      watcher_(
          broker_,
          [this](std::shared_ptr<const routes::RouteTable> table) {
            server_.PublishRoutes(std::move(table));
          },
          runtime.logger()),
      sealing_keys_(
          broker_,
          options.broker_timeout,
          [this](std::shared_ptr<const crypto::SealKeys> keys) {
            server_.PublishSealingKeys(std::move(keys));
          },
          runtime.logger()) {}

Result<Done> ForwardingService::Start() {
  const Result<Done> serving = server_.Start();
  if (!serving) {
    return serving;
  }
  watcher_.Start();
  sealing_keys_.Start();
  return Done{};
}

void ForwardingService::Stop(Deadline /*deadline*/) {
  server_.Drain();
  watcher_.Stop();
  sealing_keys_.Stop();
  issuer_.reset();
}

std::vector<std::uint16_t> ForwardingService::ports() const {
  return server_.ports();
}

DataplaneSources ForwardingService::Sources() const {
  return {server_, grants_, watcher_};
}

std::vector<prometheus::MetricFamily> ForwardingService::Metrics() const {
  return DataplaneFamilies(Sources());
}

void ForwardingService::AddReadiness(admin::Readiness& readiness) const {
  if (runtime_.stopping()) {
    readiness.reasons.emplace_back("draining: this data plane is about to stop");
  }
  AddRouteReadiness(readiness);
  AddKeyReadiness(readiness);
}

void ForwardingService::AddRouteReadiness(admin::Readiness& readiness) const {
  const routes::WatchStatus stream = watcher_.Status();
  if (stream.connected) {
    return;
  }
  const std::string because = stream.problem.empty() ? std::string() : ": " + stream.problem;
  if (!stream.synced) {
    readiness.reasons.push_back("no routes from the broker at " + options_.broker_address + " yet" +
                                because);
  } else {
    readiness.degraded.push_back("no route stream from the broker at " + options_.broker_address +
                                 "; routes stay as they were, and a minute later nothing new is "
                                 "begun with them" +
                                 because);
  }
}

void ForwardingService::AddKeyReadiness(admin::Readiness& readiness) const {
  const routes::SealingKeyStatus keys = sealing_keys_.Status();
  if (keys.received && keys.problem.empty()) {
    return;
  }
  const std::string because = keys.problem.empty() ? std::string() : ": " + keys.problem;
  if (!keys.received) {
    readiness.reasons.push_back("no sealing keys from the broker at " + options_.broker_address +
                                " yet, without which no upload can begin" + because);
  } else {
    readiness.degraded.push_back("the broker at " + options_.broker_address +
                                 " gives no sealing keys; those of before stay in force, and serve "
                                 "for 12 hours at least" +
                                 because);
  }
}

void ForwardingService::AddStatus(admin::StatusReport& status) const {
  app::AddStatus(Sources(), options_.broker_address, status);
}

}  // namespace connector::dataplane::app
