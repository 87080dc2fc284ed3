#pragma once

#include <google/protobuf/duration.pb.h>

#include <chrono>

namespace connector::config {

// What a file writes as 250ms, 5s or 1m30s. Shorter than a millisecond is cut off.
[[nodiscard]] inline std::chrono::milliseconds ToMilliseconds(
    const google::protobuf::Duration& from) {
  return std::chrono::milliseconds(from.seconds() * 1000 + from.nanos() / 1'000'000);
}

}  // namespace connector::config
