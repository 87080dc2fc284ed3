#pragma once

// What is counted of callers' tokens and of issuers' keys. Labels have a fixed set of values.

#include "broker/callers/key_refresh.h"
#include "broker/callers/verifier_chain.h"
#include "common/log/log.h"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/registry.h>

namespace connector::broker::callers {

// Thread-safe.
class CallerMetrics {
 public:
  explicit CallerMetrics(prometheus::Registry& registry);

  void Verified(VerifyOutcome outcome);
  void KeysRefreshed(const KeyRefresh& refresh);

 private:
  prometheus::Family<prometheus::Counter>& verified_;
  prometheus::Family<prometheus::Counter>& refreshed_;
};

// Counts what it is told, and logs what failed. Both outlive it.
[[nodiscard]] KeyRefreshObserver ObserveKeyRefreshes(CallerMetrics& metrics, log::Logger& logger);

}  // namespace connector::broker::callers
