#pragma once

// ProbeMemory: what the probes of one Connector say about SecretReady, LivenessReady and AuthReady,
// and when that may change. Pure: a state machine per Connector.
//
// A definite failure (a refused credential, a missing Secret, no registry) counts at once. One that
// may pass by itself (a registry that does not answer, a rate limit) turns a condition from True
// only when it comes failure_threshold times in a row. A broker that is away says nothing about a
// Connector: only after broker_grace do the conditions become Unknown.

#include "controller/status/condition.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace connector::controller::status {

struct ProbeStepResult {
  std::string name;  // As broker.v1.ProbeStep.
  bool ok = false;
  std::string reason;
  std::string message;
};

struct ProbeRules {
  int failure_threshold = 3;
  std::chrono::milliseconds broker_grace{120'000};
};

// SecretReady, LivenessReady, AuthReady.
using ProbeConditionStates = std::array<ConditionState, 3>;

// What one probe says by itself. `needs_secret`: the Connector names a Secret or a path in Vault.
[[nodiscard]] ProbeConditionStates ConditionStatesOf(const std::vector<ProbeStepResult>& steps,
                                                     bool needs_secret);

// Failures that pass by themselves more often than not.
[[nodiscard]] bool IsTransient(const std::string& reason);

class ProbeMemory {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;

  ProbeMemory() = default;
  // Goes on from what an earlier leader wrote.
  explicit ProbeMemory(const std::vector<Condition>& conditions);

  // The spec changed: what was found before does not protect what comes.
  void Renew() { fresh_ = true; }
  void Report(const std::vector<ProbeStepResult>& steps,
              bool needs_secret,
              const ProbeRules& rules);
  void BrokerFailed(const std::string& reason,
                    const std::string& message,
                    SteadyTime now,
                    const ProbeRules& rules);

  [[nodiscard]] const ProbeConditionStates& states() const { return states_; }
  [[nodiscard]] int failures() const { return failures_; }  // Probes in a row that found no health.

 private:
  ProbeConditionStates states_{};
  bool fresh_ = true;
  int failures_ = 0;
  int transient_failures_ = 0;  // In a row, of the kind that may pass.
  std::optional<SteadyTime> broker_away_since_;
};

}  // namespace connector::controller::status
