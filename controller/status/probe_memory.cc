#include "controller/status/probe_memory.h"

#include <algorithm>
#include <string_view>

namespace connector::controller::status {
namespace {

constexpr std::size_t kFirst = kSecret;  // Of kTypes: where ProbeConditionStates begin.

// Which of the three a step belongs to; absent of a step that we do not know.
std::optional<std::size_t> PlaceOf(std::string_view step) {
  if (step == "secret" || step.starts_with("vault-")) {
    return kSecret - kFirst;
  }
  if (step == "liveness") {
    return kLiveness - kFirst;
  }
  if (step == "auth" || step == "read") {
    return kAuth - kFirst;
  }
  return std::nullopt;
}

std::string PassedReason(std::size_t place, const std::string& said, bool needs_secret) {
  if (!said.empty() && said != "Ok") {
    return said;
  }
  switch (place + kFirst) {
    case kSecret:
      return needs_secret ? "SecretFound" : "SecretOptional";
    case kLiveness:
      return "RegistryAnswers";
    default:
      return "Authenticated";
  }
}

}  // namespace

ProbeConditionStates ConditionStatesOf(const std::vector<ProbeStepResult>& steps,
                                       bool needs_secret) {
  ProbeConditionStates out;
  const ProbeStepResult* failed = nullptr;
  for (const ProbeStepResult& step : steps) {
    const std::optional<std::size_t> place = PlaceOf(step.name);
    if (!place) {
      continue;
    }
    out[*place] = step.ok ? ConditionState{ConditionStatus::kTrue,
                                           PassedReason(*place, step.reason, needs_secret),
                                           step.message}
                          : ConditionState{ConditionStatus::kFalse, step.reason, step.message};
    if (!step.ok) {
      failed = &step;
      break;
    }
  }
  for (ConditionState& state : out) {
    if (state.status == ConditionStatus::kUnknown && failed != nullptr) {
      state = {
          ConditionStatus::kUnknown, "NotChecked", "not checked, because an earlier step failed"};
    }
  }
  return out;
}

bool IsTransient(const std::string& reason) {
  constexpr std::string_view kTransient[] = {"ConnectionFailed",
                                             "RateLimited",
                                             "RegistryUnavailable",
                                             "SecretStoreUnavailable",
                                             "Timeout",
                                             "TokenServiceTimeout",
                                             "TokenServiceUnavailable",
                                             "UnexpectedStatus",
                                             "VaultUnavailable"};
  return std::find(std::begin(kTransient), std::end(kTransient), reason) != std::end(kTransient);
}

ProbeMemory::ProbeMemory(const std::vector<Condition>& conditions) {
  for (std::size_t i = 0; i < states_.size(); ++i) {
    if (const Condition* found = Find(conditions, kTypes[kFirst + i])) {
      states_[i] = found->state;
    }
  }
  fresh_ = false;
}

void ProbeMemory::Report(const std::vector<ProbeStepResult>& steps,
                         bool needs_secret,
                         const ProbeRules& rules) {
  broker_away_since_.reset();
  ProbeConditionStates found = ConditionStatesOf(steps, needs_secret);
  const auto failed = std::find_if(found.begin(), found.end(), [](const ConditionState& state) {
    return state.status == ConditionStatus::kFalse;
  });
  const bool unfinished = std::any_of(found.begin(), found.end(), [](const ConditionState& state) {
    return state.status == ConditionStatus::kUnknown;
  });
  if (failed == found.end()) {
    states_ = std::move(found);
    failures_ = unfinished ? failures_ + 1 : 0;
    transient_failures_ = 0;
    fresh_ = false;
    return;
  }
  ++failures_;
  if (!IsTransient(failed->reason)) {
    transient_failures_ = 0;
    states_ = std::move(found);
    fresh_ = false;
    return;
  }
  ++transient_failures_;
  ConditionState& before = states_[static_cast<std::size_t>(failed - found.begin())];
  const bool protects = !fresh_ && before.status == ConditionStatus::kTrue;
  if (protects && transient_failures_ < rules.failure_threshold) {
    return;
  }
  // What such a failure says differs each time (addresses, times): the first text of it stays.
  if (before.status == failed->status && before.reason == failed->reason) {
    failed->message = before.message;
  }
  states_ = std::move(found);
  fresh_ = false;
}

void ProbeMemory::BrokerFailed(const std::string& reason,
                               const std::string& message,
                               SteadyTime now,
                               const ProbeRules& rules) {
  ++failures_;
  if (!broker_away_since_) {
    broker_away_since_ = now;
  }
  if (now - *broker_away_since_ < rules.broker_grace) {
    return;
  }
  for (ConditionState& state : states_) {
    // The first text stays: what gRPC says of a lost connection differs each time.
    if (state.status != ConditionStatus::kUnknown || state.reason != reason) {
      state = {ConditionStatus::kUnknown, reason, message};
    }
  }
  transient_failures_ = 0;
}

}  // namespace connector::controller::status
