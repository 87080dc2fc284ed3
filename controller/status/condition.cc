#include "controller/status/condition.h"

#include "controller/json/read.h"
#include "controller/json/times.h"

#include <algorithm>

namespace connector::controller::status {
namespace {

namespace json = boost::json;

ConditionStatus ParseConditionStatus(const std::string& text) {
  if (text == "True") {
    return ConditionStatus::kTrue;
  }
  return text == "False" ? ConditionStatus::kFalse : ConditionStatus::kUnknown;
}

bool IsOurs(const std::string& type) {
  return std::find(kTypes.begin(), kTypes.end(), type) != kTypes.end();
}

}  // namespace

std::string_view ToString(ConditionStatus status) {
  switch (status) {
    case ConditionStatus::kTrue:
      return "True";
    case ConditionStatus::kFalse:
      return "False";
    case ConditionStatus::kUnknown:
      break;
  }
  return "Unknown";
}

ConditionState ReadyOf(const ConditionStates& states) {
  for (const ConditionStatus status : {ConditionStatus::kFalse, ConditionStatus::kUnknown}) {
    for (std::size_t i = 0; i < kReady; ++i) {
      if (states[i].status == status) {
        return states[i];
      }
    }
  }
  return {ConditionStatus::kTrue, "Ready", "the connector can be used"};
}

std::vector<Condition> ReadConditions(const json::object& connector) {
  std::vector<Condition> out;
  const json::object* status = ObjectAt(connector, "status");
  const json::array* conditions = status == nullptr ? nullptr : ArrayAt(*status, "conditions");
  if (conditions == nullptr) {
    return out;
  }
  for (const json::value& value : *conditions) {
    if (!value.is_object() || TextAt(value.get_object(), "type").empty()) {
      continue;
    }
    const json::object& from = value.get_object();
    out.push_back({TextAt(from, "type"),
                   {ParseConditionStatus(TextAt(from, "status")),
                    TextAt(from, "reason"),
                    TextAt(from, "message")},
                   NumberAt(from, "observedGeneration").value_or(0),
                   TextAt(from, "lastTransitionTime")});
  }
  return out;
}

const Condition* Find(const std::vector<Condition>& conditions, std::string_view type) {
  const auto found = std::find_if(conditions.begin(), conditions.end(), [&](const Condition& each) {
    return each.type == type;
  });
  return found == conditions.end() ? nullptr : &*found;
}

std::vector<Condition> Merge(const std::vector<Condition>& existing,
                             const ConditionStates& states,
                             std::int64_t generation,
                             WallTime now) {
  std::vector<Condition> out;
  for (std::size_t i = 0; i < kTypes.size(); ++i) {
    const Condition* before = Find(existing, kTypes[i]);
    const bool kept = before != nullptr && before->state.status == states[i].status &&
                      !before->last_transition_time.empty();
    out.push_back({std::string(kTypes[i]),
                   states[i],
                   generation,
                   kept ? before->last_transition_time : ApiTime(now)});
  }
  for (const Condition& each : existing) {
    if (!IsOurs(each.type)) {
      out.push_back(each);
    }
  }
  return out;
}

json::array ToJson(const std::vector<Condition>& conditions) {
  json::array out;
  for (const Condition& each : conditions) {
    out.push_back(json::object{{"type", each.type},
                               {"status", ToString(each.state.status)},
                               {"reason", each.state.reason},
                               {"message", each.state.message},
                               {"observedGeneration", each.observed_generation},
                               {"lastTransitionTime", each.last_transition_time}});
  }
  return out;
}

}  // namespace connector::controller::status
