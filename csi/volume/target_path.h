#pragma once

// The two texts of a kubelet's call that lead to a place on the node. Pure.
//
// A target is PODS/<pod uid>/volumes/kubernetes.io~csi/<volume>/<leaf>, where PODS is configured:
// nothing else is ever mounted or unmounted. A volume id is compared and shown, and never part of a
// path (csi-driver-nfs CVE-2026-3864).

#include "common/base/result.h"

#include <string>
#include <string_view>

namespace connector::csi::volume {

// The kubelet's ids are "csi-" and 64 hexadecimal digits, 68 bytes; 128 is what CSI allows.
inline constexpr std::size_t kMaxVolumeIdBytes = 128;

struct TargetPath {
  std::string pod_uid;
  std::string parent;  // Relative to the pods folder: "<uid>/volumes/kubernetes.io~csi/<volume>".
  std::string leaf;    // The kubelet says "mount".

  bool operator==(const TargetPath&) const = default;
};

// `pods_directory` is absolute and has no slash at its end.
[[nodiscard]] Result<TargetPath> ParseTargetPath(std::string_view pods_directory,
                                                 std::string_view target);

// The target must lie in the folder of the pod for which the kubelet says that it asks.
[[nodiscard]] Result<Done> CheckPodUid(const TargetPath& target, std::string_view pod_uid);

// `[a-z0-9-]`, up to kMaxVolumeIdBytes.
[[nodiscard]] Result<Done> CheckVolumeId(std::string_view volume_id);

}  // namespace connector::csi::volume
