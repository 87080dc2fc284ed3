#include "controller/reconcile/reconcile_decisions.h"

#include "controller/json/read.h"
#include "controller/writer/writer.h"

#include <algorithm>
#include <utility>

namespace connector::controller {
namespace {

using status::ConditionState;
using status::ConditionStatus;

// Whether what an earlier leader found of this generation still holds, with nothing bad or missing.
bool ProbesAreKnownGood(const std::vector<status::Condition>& conditions, std::int64_t generation) {
  return std::all_of(status::kTypes.begin() + status::kSecret,
                     status::kTypes.begin() + status::kProxyService,
                     [&](std::string_view type) {
                       const status::Condition* found = status::Find(conditions, type);
                       return found != nullptr && found->state.status == ConditionStatus::kTrue &&
                              found->observed_generation == generation;
                     });
}

// Whether the status or the reason became another.
bool Differs(const std::vector<status::Condition>& before,
             const status::ConditionStates& after,
             status::Index index) {
  const status::Condition* found = status::Find(before, status::kTypes[index]);
  const ConditionState was = found == nullptr ? ConditionState{} : found->state;
  return was.status != after[index].status || was.reason != after[index].reason;
}

}  // namespace

bool IsDeleting(const boost::json::object& resource) {
  const boost::json::object* metadata = ObjectAt(resource, "metadata");
  return metadata != nullptr && metadata->contains("deletionTimestamp");
}

std::optional<probe::ProbeSchedule> DecideProbe(const ProbeInputs& inputs,
                                                const std::vector<status::Condition>& conditions,
                                                std::int64_t generation) {
  if (!inputs.is_sound) {
    return probe::ProbeSchedule::kNever;
  }
  if (inputs.first_run && ProbesAreKnownGood(conditions, generation)) {
    return probe::ProbeSchedule::kPeriodically;
  }
  if (inputs.spec_changed || !inputs.was_sound) {
    return probe::ProbeSchedule::kImmediately;
  }
  return std::nullopt;
}

std::string BrokerFailureReason(const Error& error) {
  switch (error.code) {
    case ErrorCode::kNotFound:
      return "UnknownToBroker";
    case ErrorCode::kPermissionDenied:
      return "BrokerRefused";
    default:
      return "BrokerUnavailable";
  }
}

status::ConditionStates JoinConditions(const status::SpecCheck& spec_check,
                                       const status::ProbeConditionStates& probed,
                                       ConditionState proxy_service) {
  status::ConditionStates states;
  states[status::kClass] = spec_check.class_ready;
  std::copy(probed.begin(), probed.end(), states.begin() + status::kSecret);
  states[status::kProxyService] = std::move(proxy_service);
  states[status::kReady] = status::ReadyOf(states);
  return states;
}

bool NeedsRetry(const ConditionState& proxy_service) {
  return proxy_service.status == ConditionStatus::kFalse && proxy_service.reason != kNoEndpoints;
}

bool IsWorthAWarning(const Error& error, int failures) {
  return error.code != ErrorCode::kConflict || failures > kMaxSilentConflicts;
}

ServiceDecision DecideService(const boost::json::object& observed,
                              const service::Owner& owner,
                              const service::ProxyServiceSettings& settings) {
  std::string foreign = service::ForeignProblem(observed, owner);
  if (!foreign.empty()) {
    return {ServiceAction::kForeign, std::move(foreign), {}};
  }
  if (IsDeleting(observed)) {
    return {ServiceAction::kWait, {}, {}};
  }
  std::optional<boost::json::object> patch = service::BuildServicePatch(observed, owner, settings);
  if (!patch) {
    return {};
  }
  return {ServiceAction::kPatch, {}, std::move(patch)};
}

std::optional<ConditionState> StateOfRefusal(const Error& error) {
  const bool refused = error.code == ErrorCode::kPermissionDenied ||
                       error.code == ErrorCode::kInvalidArgument ||
                       error.code == ErrorCode::kUnauthenticated;
  if (!refused || IsNotLeading(error)) {
    return std::nullopt;
  }
  return ConditionState{ConditionStatus::kFalse, "ServiceRefused", error.message};
}

std::vector<ConditionState> StatesToRecord(const std::vector<status::Condition>& before,
                                           const status::ConditionStates& after) {
  const ConditionState& ready = after[status::kReady];
  const ConditionState& proxy_service = after[status::kProxyService];
  std::vector<ConditionState> out;
  const bool not_probed_yet = ready.reason == ConditionState{}.reason;
  if (Differs(before, after, status::kReady) && !not_probed_yet) {
    out.push_back(ready);
  }
  // Ready names the first condition that fails, which may be another one.
  if (proxy_service.reason == kServiceNameTaken && ready.reason != kServiceNameTaken &&
      Differs(before, after, status::kProxyService)) {
    out.push_back(proxy_service);
  }
  return out;
}

}  // namespace connector::controller
