#pragma once

// Files and folders below an open folder: made, compared, listed, removed. No symbolic link is
// followed (safe_open.h).

#include "common/base/result.h"

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace connector::csi::files {

struct Modes {
  mode_t file = 0644;
  mode_t folder = 0755;
  gid_t group = 0;
};

[[nodiscard]] Modes ModesFor(std::optional<gid_t> group);

// Names in the folder, but "." and "..", in no order.
[[nodiscard]] Result<std::vector<std::string>> NamesIn(int folder);

// Relative paths of all that is no folder, at any depth.
[[nodiscard]] Result<std::vector<std::string>> FilesBelow(int folder);

// False also when it cannot be read.
[[nodiscard]] bool FileEquals(int folder, const std::string& path, std::string_view content);

// One folder; it must not exist.
[[nodiscard]] Result<Done> MakeFolder(int root, const std::string& path, const Modes& modes);

// A new file, and the folders on the way that are missing.
[[nodiscard]] Result<Done> WriteFile(int root,
                                     const std::string& path,
                                     std::string_view content,
                                     const Modes& modes);

// Whatever it is, with all below it. Nothing there is fine.
[[nodiscard]] Result<Done> RemoveTree(int folder, const std::string& name);

}  // namespace connector::csi::files
