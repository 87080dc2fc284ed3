#include "broker/api/api_server.h"

#include "common/async/block_on.h"
#include "common/log/log.h"
#include "common/metrics/families.h"

#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

namespace connector::broker::api {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::chrono::seconds kTurn{1};
constexpr std::chrono::seconds kCloseTime{10};
// What a burst took, as when thousands of connectors are probed at once, is given back in a minute.
constexpr unsigned kTurnsBetweenTrims = 60;

}  // namespace

ApiServer::ApiServer(EndpointOptions options, EndpointParts parts, ResourceWatch resources)
    : options_(std::move(options)),
      parts_(parts),
      resources_(std::move(resources)),
      tasks_(parts.io->get_executor()) {
  parts_.state = &state_;
}

Result<Done> ApiServer::Start() {
  auto endpoint = BrokerEndpoint::Start(options_, parts_);
  if (!endpoint) {
    return endpoint.error();
  }
  endpoint_ = std::move(*endpoint);
  state_.EndpointOpened();
  tasks_.Spawn(FollowClock());
  return Done{};
}

void ApiServer::ResourcesRead() {
  if (state_.ResourcesRead()) {
    endpoint_->SetServing(state_.answers_calls());
  }
}

// Data planes go to brokers that see changes; where there is none, what is valid serves on.
void ApiServer::CheckSilence() {
  const bool blind = resources_.silence && resources_.silence() >= resources_.max_silence;
  if (!state_.SetBlind(blind)) {
    return;
  }
  endpoint_->SetServing(state_.phase() == ServingPhase::kServing && !blind);
  if (blind) {
    parts_.log->Error(
        "changes of Connectors or of the deny list are not seen; granting nothing new");
    parts_.watch->EndStreams(kSeesNoChanges);
  } else {
    parts_.log->Info("changes of Connectors and of the deny list are seen again");
  }
}

Task<void> ApiServer::FollowClock() {
  for (unsigned turn = 1;; ++turn) {
    CheckSilence();
    if (turn % kTurnsBetweenTrims == 0) {
      ::malloc_trim(0);
    }
    if (co_await OneShot<Done>::Wait(stopping_, Steady::now() + kTurn)) {
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
  BlockOn(parts_.io->get_executor(), tasks_.Close(Steady::now() + kCloseTime));
}

std::vector<prometheus::MetricFamily> ApiServer::Metrics() const {
  metrics::Families out;
  out.Gauge("connector_broker_watch_streams",
            "Open WatchRoutes streams: one per data plane that follows this broker.",
            {},
            static_cast<double>(parts_.watch->streams()));
  if (resources_.silence) {
    out.Gauge("connector_broker_resource_silence_seconds",
              "For how long changes of Connectors or of the deny list cannot be seen; from "
              "resources.maxSilence on nothing new is granted.",
              {},
              std::chrono::duration<double>(resources_.silence()).count());
  }
  return out.Take();
}

void ApiServer::AddReadiness(admin::Readiness& readiness) const {
  if (state_.closed()) {
    readiness.reasons.emplace_back("the gRPC endpoint is not open");
  }
  if (state_.blind()) {
    readiness.reasons.push_back(
        "changes of Connectors or of the deny list cannot be seen for " +
        std::to_string(
            std::chrono::duration_cast<std::chrono::seconds>(resources_.silence()).count()) +
        " s (resources.maxSilence), so that nothing new is granted; what was granted serves on");
  }
}

std::uint16_t ApiServer::port() const {
  return endpoint_ ? endpoint_->port() : std::uint16_t{0};
}

}  // namespace connector::broker::api
