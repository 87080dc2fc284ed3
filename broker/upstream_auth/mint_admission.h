#pragma once

// MintAdmission: which mints may be under way, of all connectors together. Each connector has a
// limiter (endpoint_limiter.h); a namespace has its share. Not thread-safe.

#include "broker/upstream_auth/endpoint_limiter.h"
#include "common/base/connector_ref.h"
#include "common/resilience/shared_budget.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace connector::broker::upstream_auth {

// As many as may be asked at once (CurlClient has 256 connections), less some for health checks.
// Divided by the connector's namespace, because whoever writes a Connector chooses a token service
// that may be slow.
inline constexpr std::uint64_t kMaxMintsOfAll = 224;
inline constexpr std::uint64_t kNamespaceWeight = 3;  // Alone three quarters.

class MintAdmission {
 public:
  // Nullopt: go and ask, then call Ended.
  [[nodiscard]] std::optional<EndpointLimiter::Held> Admit(const ConnectorRef& connector,
                                                           const EndpointLimiter::Attempt& attempt);

  // An admitted attempt is over; its limiter wants to know how it ended.
  EndpointLimiter& Ended(const ConnectorRef& connector, const EndpointLimiter::Attempt& attempt);

 private:
  EndpointLimiter& LimiterOf(const ConnectorRef& connector, EndpointLimiter::Time now);

  // How many limiters are kept before idle ones are looked for.
  static constexpr std::size_t kLeastSweep = 64;

  std::map<ConnectorRef, EndpointLimiter> limiters_;  // Idle ones go when there are many.
  std::size_t sweep_at_ = kLeastSweep;
  resilience::SharedBudget<std::string> under_way_{kMaxMintsOfAll, 0, kNamespaceWeight};
};

}  // namespace connector::broker::upstream_auth
