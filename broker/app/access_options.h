#pragma once

// Reads identity.kubernetes, access and the connection that they need.

#include "broker/app/options.h"
#include "common/config/options_reader.h"

namespace connector::config::v1 {
class Access;
class KubernetesConnection;
class KubernetesIdentity;
}  // namespace connector::config::v1

namespace connector::broker::app {

[[nodiscard]] KubernetesIdentityOptions ReadKubernetesIdentity(
    const ::connector::config::v1::KubernetesIdentity& from, config::OptionsReader& reader);

// Whether RBAC counts. `in_cluster`: where nothing is said, it does.
[[nodiscard]] bool ReadAccessMode(const ::connector::config::v1::Access& from,
                                  bool in_cluster,
                                  config::OptionsReader& reader);

}  // namespace connector::broker::app
