#pragma once

// Opens what is below a folder, and nothing else: openat2 with RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS
// and RESOLVE_NO_MAGICLINKS. A component that is a symbolic link, or became one while we looked, is
// an error and never followed (kubelet CVE-2017-1002101, CVE-2021-25741 and their kin). What comes
// after works on the descriptor, so that a path that is exchanged later changes nothing.
//
// Messages name the path relative to the folder, and are for people.

#include "common/base/result.h"
#include "csi/files/fd.h"

#include <fcntl.h>

#include <string>
#include <string_view>

namespace connector::csi::files {

// `what` failed with `error`, a number of errno. ENOSPC and EDQUOT: kResourceExhausted; ENOENT:
// kNotFound; ELOOP, EXDEV and ENOTDIR: kInvalidArgument; else kInternal.
[[nodiscard]] Error SystemError(std::string_view what, int error);

// The folder itself, which configuration names: symbolic links in its path are followed.
[[nodiscard]] Result<Fd> OpenFolder(const std::string& path);

// `relative` has no leading slash. `flags` as open(2) takes them; O_CLOEXEC is added.
[[nodiscard]] Result<Fd> OpenBeneath(int folder,
                                     const std::string& relative,
                                     int flags,
                                     mode_t mode = 0);

// Fails where the kernel has no openat2 (before 5.6) or forbids it.
[[nodiscard]] Result<Done> CheckKernel();

}  // namespace connector::csi::files
