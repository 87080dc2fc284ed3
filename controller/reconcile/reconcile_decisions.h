#pragma once

// The decisions of a reconcile run: what an observed state calls for. Pure: no clock, no client and
// no queue; reconciler.cc, proxy_service_reconciler.cc and event_recorder.cc carry them out.

#include "common/base/result.h"
#include "controller/probe/probe_schedule.h"
#include "controller/service/proxy_service.h"
#include "controller/status/condition.h"
#include "controller/status/probe_memory.h"
#include "controller/status/spec_check.h"

#include <boost/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace connector::controller {

inline constexpr std::string_view kServiceNameTaken = "ServiceNameTaken";
inline constexpr std::string_view kNoEndpoints = "NoEndpoints";
// A conflict means that somebody else wrote first. One that comes more often is worth a warning.
inline constexpr int kMaxSilentConflicts = 5;

[[nodiscard]] bool IsDeleting(const boost::json::object& resource);

// What a run finds out about a Connector, beside what the run before had found.
struct ProbeInputs {
  bool first_run = false;     // This process has not seen the Connector before.
  bool spec_changed = false;  // Its generation is another one.
  bool was_sound = false;
  bool is_sound = false;  // SpecCheck::sound
};

// When to probe the Connector. Absent: as it is scheduled already. `conditions` are those of its
// status, from an earlier leader on the first run.
[[nodiscard]] std::optional<probe::ProbeSchedule> DecideProbe(
    const ProbeInputs& inputs,
    const std::vector<status::Condition>& conditions,
    std::int64_t generation);

// The reason of conditions that no broker could find out.
[[nodiscard]] std::string BrokerFailureReason(const Error& error);

// All six conditions, Ready among them.
[[nodiscard]] status::ConditionStates JoinConditions(const status::SpecCheck& spec_check,
                                                     const status::ProbeConditionStates& probed,
                                                     status::ConditionState proxy_service);

// Whether to run again after a while: no watch tells when a foreign Service goes, or when a write
// that was refused would be accepted. Endpoints of the data plane are watched.
[[nodiscard]] bool NeedsRetry(const status::ConditionState& proxy_service);

// Whether an operator should see why a run failed; `failures` is how many in a row have.
[[nodiscard]] bool IsWorthAWarning(const Error& error, int failures);

enum class ServiceAction : std::uint8_t {
  kKeep,     // It is as it should be.
  kPatch,    // It is ours and differs.
  kWait,     // It is ours and being deleted: another run makes a new one.
  kForeign,  // It is not ours, and stays as it is.
};

struct ServiceDecision {
  ServiceAction action = ServiceAction::kKeep;
  std::string problem{};                       // Of kForeign: whose it is, and what to do.
  std::optional<boost::json::object> patch{};  // Of kPatch.
};

// What to do about the Service that has the Connector's name.
[[nodiscard]] ServiceDecision DecideService(const boost::json::object& observed,
                                            const service::Owner& owner,
                                            const service::ProxyServiceSettings& settings);

// ProxyServiceReady, when the API, its admission or its quota refused a write: repeating it does
// not help. Absent for an error that passes, and when this replica does not lead.
[[nodiscard]] std::optional<status::ConditionState> StateOfRefusal(const Error& error);

// Of which conditions to write an Event, given those of the status before `after` was written.
[[nodiscard]] std::vector<status::ConditionState> StatesToRecord(
    const std::vector<status::Condition>& before, const status::ConditionStates& after);

}  // namespace connector::controller
