#include "broker/callers/caller_metrics.h"

#include <string>

namespace connector::broker::callers {

CallerMetrics::CallerMetrics(prometheus::Registry& registry)
    : verified_(prometheus::BuildCounter()
                    .Name("connector_broker_caller_verifications_total")
                    .Help("Caller tokens that were checked, by outcome.")
                    .Register(registry)),
      refreshed_(prometheus::BuildCounter()
                     .Name("connector_broker_issuer_key_refreshes_total")
                     .Help("Attempts to read an issuer's keys anew, by result.")
                     .Register(registry)) {}

void CallerMetrics::Verified(VerifyOutcome outcome) {
  verified_.Add({{"outcome", std::string(ToString(outcome))}}).Increment();
}

void CallerMetrics::KeysRefreshed(const KeyRefresh& refresh) {
  refreshed_.Add({{"result", refresh.ok ? "ok" : "failed"}}).Increment();
}

KeyRefreshObserver ObserveKeyRefreshes(CallerMetrics& metrics, log::Logger& logger) {
  return [&metrics, &logger](const KeyRefresh& refresh) {
    metrics.KeysRefreshed(refresh);
    if (!refresh.ok) {
      logger.Warning("could not refresh issuer keys; keeping the current ones",
                     {{"issuer", refresh.issuer}, {"error", refresh.message}});
    }
  };
}

}  // namespace connector::broker::callers
