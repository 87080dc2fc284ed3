#pragma once

// Writes the files of a volume as kubelets write theirs: into a new folder, to which the symbolic
// link `..data` is then exchanged in one step; the names that users know are links through it. A
// reader sees all files of one generation. A generation that could not be finished is removed, and
// the one before stays.
//
//   ..data -> ..1764000000-5f3a9c01b2d4e6f8     until when the token is valid, and random digits
//   config.json -> ..data/config.json
//   certs.d -> ..data/certs.d
//
// With a group, files are 0640 and folders 0750 for root and that group; without one 0644 and 0755,
// as the kubelet does for projected tokens: then only the kubelet's own folders, which other users
// of the node cannot enter, keep them from others than the pod.

#include "common/base/clock.h"
#include "common/base/result.h"
#include "common/render/volume.h"
#include "csi/files/fd.h"

#include <sys/types.h>

#include <optional>

namespace connector::csi::files {

struct Generation {
  WallTime token_expires_at{};
  std::optional<gid_t> group{};
};

// Until when the token of the volume with this root is valid; nullopt when there is no generation.
[[nodiscard]] std::optional<WallTime> TokenExpiry(int root);

// True when the files of the volume, and the links to them, are exactly these. What cannot be read
// is not.
[[nodiscard]] bool HoldsExactly(int root, const render::Volume& files);

// `root` is writable. kResourceExhausted when the volume is full.
[[nodiscard]] Result<Done> Write(int root,
                                 const render::Volume& files,
                                 const Generation& generation);

}  // namespace connector::csi::files
