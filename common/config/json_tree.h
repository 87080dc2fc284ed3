#pragma once

// JSON as the tree that the strict loader reads (yaml_tree.h), for what a Kubernetes API sends.
// Pure. There are no lines, so each is 0. A member that is null counts as left out, as it does for
// Kubernetes.

#include "common/config/yaml_tree.h"

#include <boost/json/fwd.hpp>

namespace connector::config {

// As deep as `value` is: the parser of the JSON has limited that.
[[nodiscard]] Node NodeOf(const boost::json::value& value);
[[nodiscard]] Node NodeOf(const boost::json::object& object);

}  // namespace connector::config
