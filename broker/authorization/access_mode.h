#pragma once

// The configuration's `access`: whether the cluster's RBAC counts beside the access rules.

#include "common/config/options_reader.h"

namespace connector::config::v1 {
class Access;
}  // namespace connector::config::v1

namespace connector::broker::authorization {

// Whether RBAC counts. `in_cluster`: where nothing is said, it does.
[[nodiscard]] bool ReadAccessMode(const config::v1::Access& from,
                                  bool in_cluster,
                                  config::OptionsReader& reader);

}  // namespace connector::broker::authorization
