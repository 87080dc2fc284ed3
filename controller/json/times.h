#pragma once

// The two forms in which Kubernetes writes a time (RFC 3339, UTC).

#include "common/base/clock.h"

#include <string>

namespace connector::controller {

[[nodiscard]] std::string ApiTime(WallTime time);       // "2026-11-24T12:30:00Z", meta/v1 Time
[[nodiscard]] std::string ApiMicroTime(WallTime time);  // "...:00.000000Z", meta/v1 MicroTime

}  // namespace connector::controller
