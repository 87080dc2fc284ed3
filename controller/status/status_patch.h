#pragma once

// The write of a Connector's status: what it should say, and the patch that makes it so, if any is
// needed. Pure.

#include "common/kube/object.h"
#include "controller/status/condition.h"

#include <boost/json.hpp>

#include <optional>
#include <string>

namespace connector::controller::status {

struct WantedStatus {
  std::string host;
  std::string url;
  std::optional<std::string> ca_certs;  // Empty: none. Absent: stays what it was.
  std::string secret_class;             // Empty: stays what it was.
  ConditionStates states;
};

// A merge patch for the status subresource, refused (kConflict) when the Connector is not any more
// what we saw. Absent when the status says all of it already: at rest nothing is written.
[[nodiscard]] std::optional<boost::json::object> StatusPatch(const kube::Object& connector,
                                                             const WantedStatus& wanted,
                                                             WallTime now);

}  // namespace connector::controller::status
