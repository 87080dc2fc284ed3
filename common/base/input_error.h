#pragma once

// Errors of which the client is the origin.

#include "common/base/result.h"

#include <string>
#include <utility>

namespace connector {

[[nodiscard]] inline Error InvalidInput(std::string message) {
  return MakeError(ErrorCode::kInvalidArgument, ErrorOrigin::kClient, std::move(message));
}

[[nodiscard]] inline Error Unauthenticated(std::string message) {
  return MakeError(ErrorCode::kUnauthenticated, ErrorOrigin::kClient, std::move(message));
}

}  // namespace connector
