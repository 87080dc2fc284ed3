#include "csi/files/volume_mount.h"

#include "csi/files/mount_table.h"
#include "csi/files/safe_open.h"

#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <cerrno>

namespace connector::csi::files {
namespace {

constexpr int kMaxStacked = 16;  // Mounts on one folder, which two drivers at once could make.

Error Foreign(const std::string& leaf) {
  return MakeError(ErrorCode::kInvalidArgument,
                   ErrorOrigin::kClient,
                   leaf + " is not this volume: something else is mounted or stored there");
}

// The volume id of our mount whose root is `folder`; nullopt when it is somebody else's.
std::optional<std::string> OwnVolumeId(int folder, std::uint64_t mount_id) {
  struct statfs fs {};
  if (::fstatfs(folder, &fs) != 0 || fs.f_type != TMPFS_MAGIC) {
    return std::nullopt;
  }
  const std::vector<OwnMount> mounts = OwnMounts(ReadMountInfo());
  const auto found = std::find_if(
      mounts.begin(), mounts.end(), [&](const OwnMount& mount) { return mount.id == mount_id; });
  return found == mounts.end() ? std::nullopt : std::optional(found->volume_id);
}

std::string LinkOf(const Fd& folder) {
  return "/proc/self/fd/" + std::to_string(folder.get());
}

// Whether the name still leads to the volume that was mounted there. Once it does it stays so: the
// kernel renames no folder on which something is mounted.
bool IsAt(const Fd& volume, const MountTarget& target) {
  const Result<Fd> found =
      OpenBeneath(target.parent.get(), target.leaf, O_PATH | O_DIRECTORY | O_NOFOLLOW);
  struct statx wanted {};
  struct statx there {};
  return found && ::statx(volume.get(), "", AT_EMPTY_PATH, STATX_MNT_ID, &wanted) == 0 &&
         ::statx(found->get(), "", AT_EMPTY_PATH, STATX_MNT_ID, &there) == 0 &&
         wanted.stx_mnt_id == there.stx_mnt_id;
}

bool Configure(int context, unsigned command, const char* key, const char* value) {
  return ::fsconfig(context, command, key, value, 0) == 0;
}

}  // namespace

bool IsMounted(const MountTarget& target) {
  const Result<Fd> found = OpenBeneath(target.parent.get(), target.leaf, O_PATH | O_NOFOLLOW);
  struct statx facts {};
  return found && ::statx(found->get(), "", AT_EMPTY_PATH, STATX_TYPE, &facts) == 0 &&
         (facts.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

Result<MountInspection> InspectMount(const MountTarget& target, const std::string& volume_id) {
  Result<Fd> opened = OpenBeneath(target.parent.get(), target.leaf, O_PATH | O_NOFOLLOW);
  if (!opened) {
    if (opened.error().code == ErrorCode::kNotFound) {
      return MountInspection{};
    }
    return opened.error();
  }
  struct statx facts {};
  if (::statx(opened->get(), "", AT_EMPTY_PATH, STATX_TYPE | STATX_MNT_ID, &facts) != 0) {
    return SystemError(target.leaf, errno);
  }
  if (!S_ISDIR(facts.stx_mode)) {
    return MountInspection{MountState::kForeign, {}};
  }
  if ((facts.stx_attributes & STATX_ATTR_MOUNT_ROOT) == 0) {
    return MountInspection{MountState::kFolder, std::move(*opened)};
  }
  const std::optional<std::string> id = OwnVolumeId(opened->get(), facts.stx_mnt_id);
  if (!id) {
    return MountInspection{MountState::kForeign, {}};
  }
  if (*id != volume_id) {
    return MountInspection{MountState::kAnother, {}};
  }
  return MountInspection{MountState::kOurs, std::move(*opened)};
}

Result<Fd> NewVolume(const std::string& volume_id, std::optional<gid_t> group) {
  const Fd context(::fsopen("tmpfs", FSOPEN_CLOEXEC));
  if (!context.open()) {
    return SystemError("a tmpfs cannot be made", errno);
  }
  const std::string source = std::string(kSourcePrefix) + volume_id;
  const std::string size = std::to_string(kVolumeBytes);
  const std::string inodes = std::to_string(kVolumeInodes);
  const std::string gid = std::to_string(group.value_or(0));
  const int fs = context.get();
  // Linux 6.4 and newer: a token in it never gets to a swap device.
  (void)Configure(fs, FSCONFIG_SET_FLAG, "noswap", nullptr);
  if (!Configure(fs, FSCONFIG_SET_STRING, "source", source.c_str()) ||
      !Configure(fs, FSCONFIG_SET_STRING, "size", size.c_str()) ||
      !Configure(fs, FSCONFIG_SET_STRING, "nr_inodes", inodes.c_str()) ||
      !Configure(fs, FSCONFIG_SET_STRING, "uid", "0") ||
      !Configure(fs, FSCONFIG_SET_STRING, "gid", gid.c_str()) ||
      !Configure(fs, FSCONFIG_SET_STRING, "mode", group ? "0750" : "0755") ||
      !Configure(fs, FSCONFIG_CMD_CREATE, nullptr, nullptr)) {
    return SystemError("a tmpfs cannot be made", errno);
  }
  Fd volume(
      ::fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC));
  if (!volume.open()) {
    return SystemError("a tmpfs cannot be made", errno);
  }
  return volume;
}

Result<Done> Attach(const Fd& volume, const MountTarget& target, NodeAccess access) {
  // From its first moment on. Our own later views are clones with this taken off.
  mount_attr read_only{};
  read_only.attr_set = MOUNT_ATTR_RDONLY;
  if (access == NodeAccess::kReads &&
      ::mount_setattr(volume.get(), "", AT_EMPTY_PATH, &read_only, sizeof(read_only)) != 0) {
    return SystemError("the volume cannot be made read-only", errno);
  }
  constexpr mode_t kOnlyForRoot = 0700;  // What is below the mount; nobody sees it.
  const bool made = ::mkdirat(target.parent.get(), target.leaf.c_str(), kOnlyForRoot) == 0;
  if (!made && errno != EEXIST) {
    return SystemError(target.leaf, errno);
  }
  const Result<Fd> folder =
      OpenBeneath(target.parent.get(), target.leaf, O_PATH | O_DIRECTORY | O_NOFOLLOW);
  if (!folder) {
    return folder.error();
  }
  if (::move_mount(
          volume.get(), "", folder->get(), "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) !=
      0) {
    const int error = errno;
    if (made) {
      (void)::unlinkat(target.parent.get(), target.leaf.c_str(), AT_REMOVEDIR);
    }
    return SystemError("the volume cannot be mounted", error);
  }
  if (!IsAt(volume, target)) {
    (void)::umount2(LinkOf(volume).c_str(), MNT_DETACH);
    return MakeError(ErrorCode::kInvalidArgument,
                     ErrorOrigin::kSelf,
                     target.leaf + " was exchanged while the volume was mounted on it");
  }
  return Done{};
}

Result<Fd> WritableView(const Fd& mounted) {
  Fd view(::open_tree(mounted.get(), "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  if (!view.open()) {
    return SystemError("the mounted volume cannot be written", errno);
  }
  mount_attr writable{};
  writable.attr_clr = MOUNT_ATTR_RDONLY;
  if (::mount_setattr(view.get(), "", AT_EMPTY_PATH, &writable, sizeof(writable)) != 0) {
    return SystemError("the mounted volume cannot be written", errno);
  }
  return view;
}

Result<Done> Detach(const MountTarget& target, const std::string& volume_id) {
  for (int i = 0; i < kMaxStacked; ++i) {
    const Result<MountInspection> found = InspectMount(target, volume_id);
    if (!found) {
      return found.error();
    }
    switch (found->state) {
      case MountState::kAbsent:
        return Done{};
      case MountState::kAnother:
      case MountState::kForeign:
        return Foreign(target.leaf);
      case MountState::kFolder:
        if (::unlinkat(target.parent.get(), target.leaf.c_str(), AT_REMOVEDIR) == 0 ||
            errno == ENOENT) {
          return Done{};
        }
        return SystemError(target.leaf, errno);
      case MountState::kOurs:
        // The link leads to the descriptor, so what is unmounted is what was looked at.
        if (::umount2(LinkOf(found->folder).c_str(), MNT_DETACH) != 0 && errno != EINVAL) {
          return SystemError(target.leaf, errno);
        }
        break;
    }
  }
  return MakeError(ErrorCode::kUnavailable,
                   ErrorOrigin::kSelf,
                   target.leaf + " is still mounted after it was unmounted");
}

}  // namespace connector::csi::files
