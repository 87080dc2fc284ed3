#include "broker/api/serving_state.h"

namespace connector::broker::api {

bool ServingState::Move(ServingPhase from, ServingPhase to) {
  return phase_.compare_exchange_strong(from, to);
}

bool ServingState::EndpointOpened() {
  return Move(ServingPhase::kStarting, ServingPhase::kReading);
}

bool ServingState::ResourcesRead() {
  return Move(ServingPhase::kReading, ServingPhase::kServing);
}

bool ServingState::StopRequested() {
  // In the order in which another thread may move it on meanwhile.
  return Move(ServingPhase::kStarting, ServingPhase::kStopped) ||
         Move(ServingPhase::kReading, ServingPhase::kStopped) ||
         Move(ServingPhase::kServing, ServingPhase::kDraining);
}

bool ServingState::answers_calls() const {
  const ServingPhase now = phase_;
  return !blind_ && (now == ServingPhase::kServing || now == ServingPhase::kDraining);
}

bool ServingState::closed() const {
  const ServingPhase now = phase_;
  return now != ServingPhase::kReading && now != ServingPhase::kServing;
}

}  // namespace connector::broker::api
