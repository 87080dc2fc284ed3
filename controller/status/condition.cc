#include "controller/status/condition.h"

#include "controller/json/read.h"
#include "controller/json/times.h"

#include <algorithm>

namespace connector::controller::status {
namespace {

namespace json = boost::json;

Truth TruthOf(const std::string& text) {
  if (text == "True") {
    return Truth::kTrue;
  }
  return text == "False" ? Truth::kFalse : Truth::kUnknown;
}

bool IsOurs(const std::string& type) {
  return std::find(kTypes.begin(), kTypes.end(), type) != kTypes.end();
}

}  // namespace

std::string_view ToString(Truth truth) {
  switch (truth) {
    case Truth::kTrue:
      return "True";
    case Truth::kFalse:
      return "False";
    case Truth::kUnknown:
      break;
  }
  return "Unknown";
}

Verdict ReadyOf(const Verdicts& verdicts) {
  for (const Truth truth : {Truth::kFalse, Truth::kUnknown}) {
    for (std::size_t i = 0; i < kReady; ++i) {
      if (verdicts[i].truth == truth) {
        return verdicts[i];
      }
    }
  }
  return {Truth::kTrue, "Ready", "the connector can be used"};
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
    out.push_back(
        {TextAt(from, "type"),
         {TruthOf(TextAt(from, "status")), TextAt(from, "reason"), TextAt(from, "message")},
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
                             const Verdicts& verdicts,
                             std::int64_t generation,
                             WallTime now) {
  std::vector<Condition> out;
  for (std::size_t i = 0; i < kTypes.size(); ++i) {
    const Condition* before = Find(existing, kTypes[i]);
    const bool kept = before != nullptr && before->verdict.truth == verdicts[i].truth &&
                      !before->last_transition_time.empty();
    out.push_back({std::string(kTypes[i]),
                   verdicts[i],
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
                               {"status", ToString(each.verdict.truth)},
                               {"reason", each.verdict.reason},
                               {"message", each.verdict.message},
                               {"observedGeneration", each.observed_generation},
                               {"lastTransitionTime", each.last_transition_time}});
  }
  return out;
}

}  // namespace connector::controller::status
