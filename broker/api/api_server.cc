#include "broker/api/api_server.h"

#include "common/async/block_on.h"
#include "common/metrics/families.h"

#include <malloc.h>

#include <algorithm>
#include <chrono>

namespace connector::broker::api {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::chrono::seconds kKeyScheduleInterval{10};
// What a burst took, as when thousands of connectors are probed at once, is given back in a minute.
constexpr unsigned kTurnsBetweenTrims = 6;

}  // namespace

ApiServer::ApiServer(EndpointOptions options, EndpointParts parts)
    : options_(std::move(options)), parts_(parts), tasks_(parts.io->get_executor()) {
  parts_.state = &state_;
}

Result<Done> ApiServer::Start() {
  auto endpoint = BrokerEndpoint::Start(options_, parts_);
  if (!endpoint) {
    return endpoint.error();
  }
  endpoint_ = std::move(*endpoint);
  state_.EndpointOpened();
  tasks_.Spawn(FollowKeySchedule());
  return Done{};
}

void ApiServer::ResourcesRead() {
  if (state_.ResourcesRead()) {
    endpoint_->SetServing(true);
  }
}

// Wakes often rather than once per period, so that a clock that is set is followed too.
Task<void> ApiServer::FollowKeySchedule() {
  for (unsigned turn = 1;; ++turn) {
    parts_.watch->RefreshKeys();
    if (turn % kTurnsBetweenTrims == 0) {
      ::malloc_trim(0);
    }
    if (co_await OneShot<Done>::Wait(stopping_, Steady::now() + kKeyScheduleInterval)) {
      co_return;
    }
  }
}

void ApiServer::Stop(Deadline deadline) {
  state_.StopRequested();
  const auto drain =
      std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Steady::now());
  endpoint_->Stop(std::max(drain, std::chrono::milliseconds(0)));
  stopping_->Set(Done{});
  BlockOn(parts_.io->get_executor(), tasks_.Close(Steady::now() + kKeyScheduleInterval));
}

std::vector<prometheus::MetricFamily> ApiServer::Metrics() const {
  metrics::Families out;
  out.Gauge("connector_broker_watch_streams",
            "Open WatchRoutes streams: one per data plane that follows this broker.",
            {},
            static_cast<double>(parts_.watch->streams()));
  return out.Take();
}

void ApiServer::AddReadiness(admin::Readiness& readiness) const {
  if (state_.closed()) {
    readiness.reasons.emplace_back("the gRPC endpoint is not open");
  }
}

std::uint16_t ApiServer::port() const {
  return endpoint_ ? endpoint_->port() : std::uint16_t{0};
}

}  // namespace connector::broker::api
