#pragma once

// The file that says how far the records were exported: one line of text, "SEQ". Whoever changes it
// makes records be sent twice, or not at all; the receiver sees the gap in their numbers.

#include "common/base/result.h"

#include <cstdint>
#include <string>

namespace connector::broker::audit_export {

// 0 where there is no file. Errors: kUnavailable when it cannot be read, kInvalidArgument when it
// holds something else.
[[nodiscard]] Result<std::uint64_t> ReadPosition(const std::string& path);

// As head_file.h writes its file. Errors: kUnavailable.
[[nodiscard]] Result<Done> WritePosition(const std::string& path, std::uint64_t seq);

}  // namespace connector::broker::audit_export
