#pragma once

// The names of the configuration's `peers`: a name in a client certificate as it stands, or
// `spiffe://DOMAIN/PATH/*` for every name of exactly one more component, so that each replica has a
// certificate of its own. Pure.

#include "common/base/result.h"

#include <string_view>

namespace connector::broker::api {

// Fails with kInvalidArgument for a `*` that does not stand alone at the end of such a name.
[[nodiscard]] Result<Done> CheckPeerEntry(std::string_view entry);

// Whether `entry`, which CheckPeerEntry accepts, stands for `name`. A component is made of letters,
// digits, `.`, `_` and `-`, and is neither `.` nor `..` (SPIFFE-ID, section 2.2).
[[nodiscard]] bool NamesPeer(std::string_view entry, std::string_view name);

}  // namespace connector::broker::api
