#pragma once

// The conditions of a Connector's status: what we find, and how it joins what stands there. Pure.

#include "common/base/clock.h"

#include <boost/json.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace connector::controller::status {

enum class ConditionStatus : std::uint8_t { kUnknown, kTrue, kFalse };

[[nodiscard]] std::string_view ToString(ConditionStatus status);  // "True", "False", "Unknown"

// What we find of one condition.
struct ConditionState {
  ConditionStatus status = ConditionStatus::kUnknown;
  std::string reason = "NotProbed";
  std::string message = "not probed yet";

  bool operator==(const ConditionState&) const = default;
};

// In the order in which they stand in the status, and in which the first failing one is Ready's
// reason.
inline constexpr std::array<std::string_view, 6> kTypes{
    "ClassReady", "SecretReady", "LivenessReady", "AuthReady", "ProxyServiceReady", "Ready"};
enum Index : std::size_t { kClass, kSecret, kLiveness, kAuth, kProxyService, kReady };

using ConditionStates = std::array<ConditionState, 6>;

// True when all others are; else the reason and message of the first that is False, else of the
// first that is Unknown.
[[nodiscard]] ConditionState ReadyOf(const ConditionStates& states);

struct Condition {
  std::string type;
  ConditionState state;
  std::int64_t observed_generation = 0;
  std::string last_transition_time;  // As Kubernetes writes it.

  bool operator==(const Condition&) const = default;
};

// Those of `status.conditions` that are well-formed, in their order.
[[nodiscard]] std::vector<Condition> ReadConditions(const boost::json::object& connector);

// Null when there is none of this type.
[[nodiscard]] const Condition* Find(const std::vector<Condition>& conditions,
                                    std::string_view type);

// Ours in their order, then those of others as they are. The transition time changes only when
// True, False or Unknown does.
[[nodiscard]] std::vector<Condition> Merge(const std::vector<Condition>& existing,
                                           const ConditionStates& states,
                                           std::int64_t generation,
                                           WallTime now);

[[nodiscard]] boost::json::array ToJson(const std::vector<Condition>& conditions);

}  // namespace connector::controller::status
