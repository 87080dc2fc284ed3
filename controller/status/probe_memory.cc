#include "controller/status/probe_memory.h"

#include <algorithm>
#include <string_view>

namespace connector::controller::status {
namespace {

constexpr std::size_t kFirst = kSecret;  // Of kTypes: where ProbeVerdicts begin.

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

ProbeVerdicts VerdictsOf(const std::vector<ProbeStep>& steps, bool needs_secret) {
  ProbeVerdicts out;
  const ProbeStep* failed = nullptr;
  for (const ProbeStep& step : steps) {
    const std::optional<std::size_t> place = PlaceOf(step.name);
    if (!place) {
      continue;
    }
    out[*place] =
        step.ok
            ? Verdict{Truth::kTrue, PassedReason(*place, step.reason, needs_secret), step.message}
            : Verdict{Truth::kFalse, step.reason, step.message};
    if (!step.ok) {
      failed = &step;
      break;
    }
  }
  for (Verdict& verdict : out) {
    if (verdict.truth == Truth::kUnknown && failed != nullptr) {
      verdict = {Truth::kUnknown, "NotChecked", "not checked, because an earlier step failed"};
    }
  }
  return out;
}

bool MayPass(const std::string& reason) {
  constexpr std::string_view kPassing[] = {"ConnectionFailed",
                                           "RateLimited",
                                           "RegistryUnavailable",
                                           "SecretStoreUnavailable",
                                           "Timeout",
                                           "TokenServiceTimeout",
                                           "TokenServiceUnavailable",
                                           "UnexpectedStatus",
                                           "VaultUnavailable"};
  return std::find(std::begin(kPassing), std::end(kPassing), reason) != std::end(kPassing);
}

ProbeMemory::ProbeMemory(const std::vector<Condition>& conditions) {
  for (std::size_t i = 0; i < verdicts_.size(); ++i) {
    if (const Condition* found = Find(conditions, kTypes[kFirst + i])) {
      verdicts_[i] = found->verdict;
    }
  }
  fresh_ = false;
}

void ProbeMemory::Report(const std::vector<ProbeStep>& steps,
                         bool needs_secret,
                         const ProbeRules& rules) {
  broker_away_since_.reset();
  ProbeVerdicts found = VerdictsOf(steps, needs_secret);
  const auto failed = std::find_if(found.begin(), found.end(), [](const Verdict& verdict) {
    return verdict.truth == Truth::kFalse;
  });
  const bool unfinished = std::any_of(found.begin(), found.end(), [](const Verdict& verdict) {
    return verdict.truth == Truth::kUnknown;
  });
  if (failed == found.end()) {
    verdicts_ = std::move(found);
    failures_ = unfinished ? failures_ + 1 : 0;
    passing_failures_ = 0;
    fresh_ = false;
    return;
  }
  ++failures_;
  if (!MayPass(failed->reason)) {
    passing_failures_ = 0;
    verdicts_ = std::move(found);
    fresh_ = false;
    return;
  }
  ++passing_failures_;
  Verdict& before = verdicts_[static_cast<std::size_t>(failed - found.begin())];
  const bool protects = !fresh_ && before.truth == Truth::kTrue;
  if (protects && passing_failures_ < rules.failure_threshold) {
    return;
  }
  // What such a failure says differs each time (addresses, times): the first text of it stays.
  if (before.truth == failed->truth && before.reason == failed->reason) {
    failed->message = before.message;
  }
  verdicts_ = std::move(found);
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
  for (Verdict& verdict : verdicts_) {
    // The first text stays: what gRPC says of a lost connection differs each time.
    if (verdict.truth != Truth::kUnknown || verdict.reason != reason) {
      verdict = {Truth::kUnknown, reason, message};
    }
  }
  passing_failures_ = 0;
}

}  // namespace connector::controller::status
