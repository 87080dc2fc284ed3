#pragma once

// What a Connector's spec says by itself and together with its class: ClassReady, and what the rest
// of its status needs to know. Pure; the rules are common/resource's, so that the condition, the
// broker and `connectorctl validate` give the same answer.

#include "common/kube/object.h"
#include "controller/status/condition.h"

#include <boost/json.hpp>

#include <map>
#include <string>
#include <vector>

namespace connector::controller::status {

struct SpecCheck {
  ConditionState class_ready;
  std::string secret_class{};  // Empty when the spec cannot be read.
  bool needs_secret = false;
  bool sound = false;  // The spec is one that a broker can use.
};

// `classes`: all ConnectorClasses that there are.
[[nodiscard]] SpecCheck CheckSpec(const boost::json::object& connector,
                                  const std::vector<kube::ObjectPtr>& classes);

}  // namespace connector::controller::status
