#include "broker/upstream_auth/mint_metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>

namespace connector::broker::upstream_auth {
namespace {

std::string_view NameOf(EndpointLimiter::HeldBy by) {
  switch (by) {
    case EndpointLimiter::HeldBy::kFailure:
      return "held_back";
    case EndpointLimiter::HeldBy::kRate:
      return "over_rate";
    case EndpointLimiter::HeldBy::kUnderWay:
      return "too_many_under_way";
  }
  return "held_back";
}

}  // namespace

MintMetrics::MintMetrics(prometheus::Registry& registry)
    : total_(prometheus::BuildCounter()
                 .Name("connector_broker_mint_total")
                 .Help("Attempts to mint an upstream token, by result.")
                 .Register(registry)),
      duration_(prometheus::BuildHistogram()
                    .Name("connector_broker_mint_duration_seconds")
                    .Help("Time to mint an upstream token, the stored secret's reading included.")
                    .Register(registry)
                    .Add({},
                         prometheus::Histogram::BucketBoundaries{
                             0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10})),
      entries_(prometheus::BuildGauge()
                   .Name("connector_broker_token_cache_entries")
                   .Help("Minted tokens that the broker keeps.")
                   .Register(registry)
                   .Add({})) {}

void MintMetrics::Ended(std::string_view result, std::chrono::duration<double> took) {
  total_.Add({{"result", std::string(result)}}).Increment();
  duration_.Observe(took.count());
}

void MintMetrics::HeldBack(EndpointLimiter::HeldBy by) {
  total_.Add({{"result", std::string(NameOf(by))}}).Increment();
}

void MintMetrics::SetEntries(std::size_t count) {
  entries_.Set(static_cast<double>(count));
}

std::string_view ResultName(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return "invalid_argument";
    case ErrorCode::kUnauthenticated:
      return "unauthenticated";
    case ErrorCode::kPermissionDenied:
      return "permission_denied";
    case ErrorCode::kNotFound:
      return "not_found";
    case ErrorCode::kResourceExhausted:
      return "resource_exhausted";
    case ErrorCode::kDeadlineExceeded:
      return "deadline_exceeded";
    case ErrorCode::kUnavailable:
      return "unavailable";
    case ErrorCode::kConflict:  // Minting changes nothing.
    case ErrorCode::kInternal:
      break;
  }
  return "internal";
}

}  // namespace connector::broker::upstream_auth
