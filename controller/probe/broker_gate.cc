#include "controller/probe/broker_gate.h"

#include "controller/queue/backoff.h"

#include <algorithm>

namespace connector::controller::probe {
namespace {

constexpr std::chrono::milliseconds kFirst{1000};
constexpr std::chrono::milliseconds kMost{15'000};

}  // namespace

int BrokerGate::Allowed(int usual, SteadyTime now) const {
  if (failures_ == 0) {
    return usual;
  }
  return now < next_try_ ? 0 : 1;
}

bool BrokerGate::Answered() {
  const bool was_away = failures_ > 0;
  failures_ = 0;
  return was_away;
}

void BrokerGate::Failed(SteadyTime now) {
  // Probes that were under way together fail together: that is one failure.
  if (failures_ == 0 || next_try_ <= now) {
    ++failures_;
    next_try_ = now + BackoffAfter(failures_, kFirst, kMost, random_());
  }
}

}  // namespace connector::controller::probe
