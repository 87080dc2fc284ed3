#pragma once

// Reads one small file whole. For files that people write and for keys, never for blobs.

#include "common/base/result.h"

#include <cstddef>
#include <string>

namespace connector::config {

// Fails with kNotFound (no such file), kPermissionDenied, kResourceExhausted (over `max_bytes`) or
// kInvalidArgument (not a regular file); the message says what to do and leaves the path out.
[[nodiscard]] Result<std::string> ReadFile(const std::string& path, std::size_t max_bytes);

}  // namespace connector::config
