#include "broker/api/issue_metrics.h"

#include "common/metrics/buckets.h"

#include <algorithm>
#include <cctype>
#include <string>

namespace connector::broker::api {
namespace {

std::string OutcomeName(v1::DenialReason reason) {
  std::string name =
      reason == v1::DENIAL_REASON_UNSPECIFIED ? "granted" : authorization::ReasonName(reason);
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) {
    return static_cast<char>(std::tolower(c));
  });
  return name;
}

}  // namespace

bool IsCallersDoing(v1::DenialReason reason) {
  return reason == v1::DENIAL_REASON_CALLER_UNAUTHENTICATED ||
         reason == v1::DENIAL_REASON_CONNECTOR_NOT_FOUND ||
         reason == v1::DENIAL_REASON_ACCESS_DENIED ||
         reason == v1::DENIAL_REASON_DENIED_BY_OPERATOR ||
         reason == v1::DENIAL_REASON_INVALID_REQUEST;
}

IssueMetrics::IssueMetrics(prometheus::Registry& registry)
    : duration_(prometheus::BuildHistogram()
                    .Name("connector_broker_issue_duration_seconds")
                    .Help("Time from an IssueToken request to its answer, audit included.")
                    .Register(registry)
                    .Add({}, metrics::LatencyBuckets())) {
  auto& issued = prometheus::BuildCounter()
                     .Name("connector_broker_issue_total")
                     .Help("IssueToken decisions, by outcome.")
                     .Register(registry);
  for (int reason = 0; reason < v1::DenialReason_ARRAYSIZE; ++reason) {
    issued_.push_back(
        &issued.Add({{"outcome", OutcomeName(static_cast<v1::DenialReason>(reason))}}));
  }
}

void IssueMetrics::Issued(const IssueOutcome& outcome) {
  issued_.at(static_cast<std::size_t>(outcome.reason))->Increment();
  duration_.Observe(std::chrono::duration<double>(outcome.took).count());
}

IssueMetrics::Totals IssueMetrics::totals() const {
  Totals totals;
  for (std::size_t reason = 0; reason < issued_.size(); ++reason) {
    const auto count = static_cast<std::uint64_t>(issued_[reason]->Value());
    if (reason == v1::DENIAL_REASON_UNSPECIFIED) {
      totals.granted += count;
    } else if (IsCallersDoing(static_cast<v1::DenialReason>(reason))) {
      totals.denied += count;
    } else {
      totals.failed += count;
    }
  }
  return totals;
}

}  // namespace connector::broker::api
