#pragma once

// Upstream policies (upstream_policy.h) as messages and as text. Pure.

#include "common/routing/upstream_policy.h"

#include <string>

namespace connector::config::v1 {
class UpstreamPolicy;
}  // namespace connector::config::v1

namespace connector::routing {

// As it goes over the broker's API, of one namespace: without the names of namespaces, and without
// the mirror hosts, which are the broker's matter. Of a policy without what narrows it, and of
// that.
void ToProto(const UpstreamPolicy& policy, config::v1::UpstreamPolicy& out);
void ToProto(const ClassPolicy& policy, config::v1::UpstreamPolicy& out);

// Of one namespace. Equal policies give equal text, on every broker; the default gives none.
[[nodiscard]] std::string CanonicalText(const UpstreamPolicy& policy);
[[nodiscard]] std::string CanonicalText(const ClassPolicy& policy);

}  // namespace connector::routing
