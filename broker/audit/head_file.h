#pragma once

// Writes the head of the chain into its file (common/auditlog/chain_head.h).

#include "common/base/result.h"

#include <string>
#include <string_view>

namespace connector::broker::audit {

// Writes PATH.tmp with mode 0600, flushes it and renames it over `path`: after a power cut there is
// the old head or the new. Errors: kUnavailable, with the file's name and the system's reason.
[[nodiscard]] Result<Done> WriteHeadFile(const std::string& path, std::string_view text);

}  // namespace connector::broker::audit
