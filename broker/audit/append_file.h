#pragma once

// AppendFile: a file that only grows, except that Truncate removes what was appended last.
// Implementations: the real one below, and a faulty one in the tests (a disk that fails cannot be
// had on every machine).

#include "common/base/result.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace connector::broker::audit {

// Not thread-safe: one writer owns it.
class AppendFile {
 public:
  virtual ~AppendFile() = default;

  // Errors of the first three: kUnavailable, with the file's name and the system's reason.
  // After a failed Write any part of `bytes` may stand in the file.
  [[nodiscard]] virtual Result<Done> Write(std::string_view bytes) = 0;
  [[nodiscard]] virtual Result<Done> Sync() = 0;  // Data is on disk, and survives a power cut.
  [[nodiscard]] virtual Result<Done> Truncate(std::uint64_t size) = 0;

  // Why it is not the file that stands at its path, with `size` bytes: somebody removed, replaced
  // or changed it. Empty when it is.
  [[nodiscard]] virtual std::string Difference(std::uint64_t size) const = 0;

 protected:
  AppendFile() = default;
  AppendFile(const AppendFile&) = default;
  AppendFile& operator=(const AppendFile&) = default;
};

using OpenAppendFile = std::function<Result<std::unique_ptr<AppendFile>>(const std::string& path)>;

// Opens or creates `path` with mode 0600, for appending; never through a symbolic link.
[[nodiscard]] Result<std::unique_ptr<AppendFile>> OpenRealFile(const std::string& path);

}  // namespace connector::broker::audit
