#include "broker/upstream_auth/mint_admission.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

namespace connector::broker::upstream_auth {

std::optional<EndpointLimiter::Held> MintAdmission::Admit(const ConnectorRef& connector,
                                                          const EndpointLimiter::Attempt& attempt) {
  if (under_way_.Take(connector.ns) != resilience::SharedBudget<std::string>::Answer::kTaken) {
    Error error = MakeError(ErrorCode::kResourceExhausted,
                            ErrorOrigin::kSelf,
                            "the connectors of namespace " + connector.ns +
                                " have their share of the token requests under way",
                            Retry::kSafe);
    error.retry_after = std::chrono::seconds{1};
    return EndpointLimiter::Held{EndpointLimiter::HeldBy::kUnderWay, std::move(error)};
  }
  std::optional<EndpointLimiter::Held> held = LimiterOf(connector, attempt.started).Admit(attempt);
  if (held) {
    under_way_.GiveBack(connector.ns);
  }
  return held;
}

EndpointLimiter& MintAdmission::Ended(const ConnectorRef& connector,
                                      const EndpointLimiter::Attempt& attempt) {
  EndpointLimiter& limiter = LimiterOf(connector, attempt.started);
  limiter.Ended(attempt);
  under_way_.GiveBack(connector.ns);
  return limiter;
}

// A connector that has a mint under way keeps its limiter.
EndpointLimiter& MintAdmission::LimiterOf(const ConnectorRef& connector,
                                          EndpointLimiter::Time now) {
  if (limiters_.size() >= sweep_at_ && !limiters_.contains(connector)) {
    for (auto it = limiters_.begin(); it != limiters_.end();) {
      it = it->second.Idle(now) ? limiters_.erase(it) : std::next(it);
    }
    sweep_at_ = std::max(kLeastSweep, 2 * limiters_.size());
  }
  return limiters_.try_emplace(connector, connector.ToString()).first->second;
}

}  // namespace connector::broker::upstream_auth
