#pragma once

// How long to wait before asking the API again. Pure. Private to this library.

#include "common/resilience/backoff.h"

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace connector::kube {

using Milliseconds = std::chrono::milliseconds;

inline constexpr std::chrono::seconds kDefaultRetryAfter{1};
inline constexpr std::chrono::seconds kMaxRetryAfter{60};

// The seconds of a Retry-After field; nullopt when there is none or it is no number (the API sends
// no dates). Never over kMaxRetryAfter.
[[nodiscard]] std::optional<std::chrono::seconds> RetryAfterOf(
    const std::map<std::string, std::string>& headers);

// How long before the same request is sent again; nullopt: not at all. A 429 was refused before it
// had any effect, and a 5xx with Retry-After says that it may be sent again.
[[nodiscard]] std::optional<std::chrono::seconds> WaitBeforeRetry(
    int status, const std::map<std::string, std::string>& headers);

// Between two attempts to list and watch.
inline constexpr resilience::BackoffOptions kWatchBackoff{Milliseconds(500), Milliseconds(30'000)};

}  // namespace connector::kube
