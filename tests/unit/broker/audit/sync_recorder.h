#pragma once

// What this process asked the kernel to bring to disk. The program's own fsync and fdatasync take
// the place of libc's, note what was synced, and do it.

#include <sys/types.h>

#include <optional>
#include <string>

namespace connector::broker::audit {

// The size that the file or directory at `path` had when it was synced last; none when it was not.
[[nodiscard]] std::optional<off_t> SyncedSize(const std::string& path);

}  // namespace connector::broker::audit
