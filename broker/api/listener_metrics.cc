#include "broker/api/listener_metrics.h"

#include <prometheus/gauge.h>

#include <chrono>
#include <cstddef>
#include <string>

namespace connector::broker::api {

ListenerMetrics::ListenerMetrics(prometheus::Registry& registry, WallTime authority_ends) {
  auto& asked = prometheus::BuildCounter()
                    .Name("connector_broker_listener_certificates_total")
                    .Help("Listener certificates that data planes asked for, by outcome.")
                    .Register(registry);
  std::size_t outcome = 0;
  for (const std::string name : {"issued", "refused", "rate_limited", "failed"}) {
    asked_.at(outcome++) = &asked.Add({{"outcome", name}});
  }
  prometheus::BuildGauge()
      .Name("connector_broker_listener_authority_expiry_timestamp_seconds")
      .Help("When the listener authority's certificate ends: then every client refuses TLS.")
      .Register(registry)
      .Add({})
      .Set(std::chrono::duration<double>(authority_ends.time_since_epoch()).count());
}

void ListenerMetrics::Asked(CertificateOutcome outcome) {
  asked_.at(static_cast<std::size_t>(outcome))->Increment();
}

}  // namespace connector::broker::api
