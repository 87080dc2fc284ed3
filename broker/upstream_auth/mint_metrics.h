#pragma once

// Metrics of minting. Labels are bounded: results only.

#include "broker/upstream_auth/endpoint_limiter.h"
#include "common/base/result.h"

#include <prometheus/registry.h>

#include <chrono>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>

namespace connector::broker::upstream_auth {

// Thread-safe.
class MintMetrics {
 public:
  // `registry` must outlive this object.
  explicit MintMetrics(prometheus::Registry& registry);

  // One attempt at a token service: "ok", "single_use", or the error's name.
  void Ended(std::string_view result, std::chrono::duration<double> took);
  // A mint that was not even tried.
  void HeldBack(EndpointLimiter::HeldBy by);
  void SetEntries(std::size_t count);

 private:
  prometheus::Family<prometheus::Counter>& total_;
  prometheus::Histogram& duration_;
  prometheus::Gauge& entries_;
};

// "permission_denied" and so on.
[[nodiscard]] std::string_view ResultName(ErrorCode code);

}  // namespace connector::broker::upstream_auth
