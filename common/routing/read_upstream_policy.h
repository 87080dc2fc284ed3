#pragma once

// Reads upstream policies (upstream_policy.h): of the broker's configuration, of a ConnectorClass,
// and of what the broker tells data planes. Pure.

#include "common/routing/route_settings.h"
#include "common/routing/upstream_policy.h"

#include <cstddef>
#include <optional>

namespace connector::config::v1 {
class UpstreamPolicy;
}  // namespace connector::config::v1

namespace connector::routing {

// As it travels with every route.
inline constexpr std::size_t kMaxUpstreamPolicyBytes = std::size_t{16} * 1024;
inline constexpr int kMaxUpstreamRules = 64;

// What breaks a rule is reported and left out. `in_cluster`: Connectors come from Kubernetes, so
// that their authors are not the platform.
[[nodiscard]] UpstreamPolicy ReadUpstreamPolicy(const config::v1::UpstreamPolicy& file,
                                                bool in_cluster,
                                                const OnProblem& on_problem);

// By the same rules.
[[nodiscard]] ClassPolicy ReadClassPolicy(const config::v1::UpstreamPolicy& file,
                                          const OnProblem& on_problem);

// What ToProto wrote (upstream_policy_proto.h). Nothing where a message breaks a rule: half of a
// policy could lead too far. `of_class`, of what narrows it, may be null.
[[nodiscard]] std::optional<UpstreamPolicy> FromProto(
    const config::v1::UpstreamPolicy& from, const config::v1::UpstreamPolicy* of_class = nullptr);

}  // namespace connector::routing
