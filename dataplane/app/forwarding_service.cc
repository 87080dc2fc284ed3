#include "dataplane/app/forwarding_service.h"

#include "common/broker_client/channel.h"
#include "dataplane/app/status.h"
#include "dataplane/server/listener_names.h"

#include <grpcpp/channel.h>

#include <algorithm>
#include <string>
#include <utility>

namespace connector::dataplane::app {
namespace {

bool AsksForCertificates(const server::ServerOptions& options) {
  return std::any_of(options.listeners.begin(), options.listeners.end(), [](const auto& listener) {
    return listener.from_broker;
  });
}

Result<std::unique_ptr<certificates::CertificateCache>> MakeCertificates(
    certificates::CertificateIssuer* issuer, program::Runtime& runtime) {
  if (issuer == nullptr) {
    return std::unique_ptr<certificates::CertificateCache>();
  }
  return certificates::CertificateCache::Make(*issuer, runtime.clock(), runtime.logger());
}

}  // namespace

ForwardingService::ForwardingService(program::Runtime& runtime, const DataplaneOptions& options)
    : runtime_(runtime),
      options_(options),
      broker_(broker_client::MakeBrokerChannel(
          {options.broker_address, options.broker_tls, options.broker_server_name},
          broker_client::ChannelUse::kTokens)),
      issuer_(std::make_unique<token::GrpcIssuer>(broker_, options.broker_timeout)),
      grants_(*issuer_, options.token_cache_entries),
      certificate_issuer_(AsksForCertificates(options.server)
                              ? std::make_unique<certificates::GrpcCertificateIssuer>(
                                    broker_, options.broker_timeout)
                              : nullptr),
      certificates_(MakeCertificates(certificate_issuer_.get(), runtime)),
      server_(options.server,
              grants_,
              runtime.logger(),
              certificates_ ? certificates_->get() : nullptr),
      watcher_(
          broker_,
          [this](std::shared_ptr<const routes::RouteTable> table) { TakeRoutes(std::move(table)); },
          runtime.logger()),
      sealing_keys_(
          broker_,
          options.broker_timeout,
          [this](std::shared_ptr<const crypto::SealKeys> keys) {
            server_.PublishSealingKeys(std::move(keys));
          },
          runtime.logger()) {}

void ForwardingService::TakeRoutes(std::shared_ptr<const routes::RouteTable> table) {
  server_.PublishRoutes(table);
  if (certificates_ && *certificates_ != nullptr) {
    (*certificates_)->Retain([&](const std::string& host) { return IsServed(host, *table); });
  }
}

bool ForwardingService::IsServed(const std::string& host, const routes::RouteTable& routes) const {
  const server::ServerOptions& server = options_.server;
  return std::any_of(server.listeners.begin(), server.listeners.end(), [&](const auto& listener) {
    return listener.from_broker &&
           server::IsServedHost(
               host, server.settings.certified_suffixes, listener.dataplane_hosts, routes);
  });
}

Result<Done> ForwardingService::Start() {
  if (!certificates_) {
    return certificates_.error();
  }
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
  certificate_issuer_.reset();
}

std::vector<std::uint16_t> ForwardingService::ports() const {
  return server_.ports();
}

DataplaneSources ForwardingService::Sources() const {
  return {server_, grants_, watcher_, certificates_ ? certificates_->get() : nullptr};
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
