#pragma once

// Files as the commands read and write them: whole, bounded, and replaced atomically. Does not
// create parent directories unless MakeDirectory is asked to.

#include "common/base/result.h"
#include "common/base/secret.h"

#include <sys/types.h>

#include <cstddef>
#include <iosfwd>
#include <string>
#include <string_view>

namespace connector::cli {

inline constexpr std::size_t kMaxInputBytes = 1024 * 1024;
inline constexpr std::size_t kMaxTokenBytes = 16 * 1024;  // What the broker accepts.

inline constexpr mode_t kPrivateFile = 0600;
inline constexpr mode_t kPublicFile = 0644;
inline constexpr mode_t kPrivateDirectory = 0700;

// The whole file; fails with kNotFound or kInvalidArgument when it cannot be read, is no regular
// file or pipe, or is over kMaxInputBytes. The message names the path.
[[nodiscard]] Result<std::string> ReadFile(const std::string& path);
// The same, into locked memory.
[[nodiscard]] Result<Secret> ReadSecretFile(const std::string& path);

// A token from a file, or from `in` when `path` is "-". White space around it is dropped. Fails
// when it is empty, over kMaxTokenBytes, or holds anything but visible ASCII; the message never
// quotes it.
[[nodiscard]] Result<Secret> ReadToken(const std::string& path, std::istream& in);

// Writes a new file beside `path` with exactly `mode`, flushes it to disk and renames it over
// `path`, so that a reader sees the old content or the new, and never a key in a readable file.
[[nodiscard]] Result<Done> WriteFile(const std::string& path,
                                     std::string_view content,
                                     mode_t mode);

// Makes `path` and its parents; what is there already stays as it is.
[[nodiscard]] Result<Done> MakeDirectory(const std::string& path, mode_t mode);

}  // namespace connector::cli
