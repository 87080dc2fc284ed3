#pragma once

// The tmpfs of one volume: made, attached to its target, found again, and taken away. All
// by descriptor: a mount lands on, and is taken from, exactly the folder that was opened, whatever
// its path means by then.
//
// A volume is written while it is attached nowhere, so a pod sees all of it or nothing, and a
// driver that is killed in between leaves no mount behind. To write again, the mounted volume is
// cloned into a second, writable view that only we can reach; what the pod sees is read-only.

#include "common/base/result.h"
#include "csi/files/fd.h"

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <string>

namespace connector::csi::files {

// Two generations of the largest volume (render::kMaxVolumeBytes), each file in pages of its own.
inline constexpr std::size_t kVolumeBytes = std::size_t{4} * 1024 * 1024;
inline constexpr std::size_t kVolumeInodes = 1024;

// Where a volume belongs: a name in a folder that is open.
struct MountTarget {
  Fd parent;
  std::string leaf;
};

enum class MountState {
  kAbsent,   // Nothing of this name.
  kFolder,   // A folder with nothing mounted on it.
  kOurs,     // This volume.
  kAnother,  // Another volume of this driver.
  kForeign,  // A mount of somebody else's, or something that is not a folder.
};

struct MountInspection {
  MountState state = MountState::kAbsent;
  Fd folder;  // kFolder: that one; kOurs: the root of the mount.
};

// Whether anything is mounted there. Cheap, unlike InspectMount, which reads the whole table of
// mounts to find out whose it is.
[[nodiscard]] bool IsMounted(const MountTarget& target);

// Fails only when the target cannot be looked at.
[[nodiscard]] Result<MountInspection> InspectMount(const MountTarget& target,
                                                   const std::string& volume_id);

// A tmpfs that is attached nowhere: nosuid, nodev, noexec, limited in size, never swapped where the
// kernel can promise it. Its root is for `group` when there is one, else for everybody.
[[nodiscard]] Result<Fd> NewVolume(const std::string& volume_id, std::optional<gid_t> group);

// What the mount at the target lets the node do. A container runtime labels the files of a volume
// for SELinux there, which a read-only mount refuses; the container's own mount is another one.
enum class NodeAccess {
  kReads,     // The container's mount may be writable, so that the target's is not.
  kMayLabel,  // The container's mount is read-only anyway.
};

// Puts the volume at `target`, where `folder` was found or is made.
[[nodiscard]] Result<Done> Attach(const Fd& volume, const MountTarget& target, NodeAccess access);

// A writable view of the mounted volume whose root is `mounted`.
[[nodiscard]] Result<Fd> WritableView(const Fd& mounted);

// Unmounts the volume, however often it is mounted there, and removes the folder. Nothing there is
// fine. kInvalidArgument when something is there that is not this volume; nothing is then touched.
[[nodiscard]] Result<Done> Detach(const MountTarget& target, const std::string& volume_id);

}  // namespace connector::csi::files
