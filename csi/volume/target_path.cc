#include "csi/volume/target_path.h"

#include "common/base/input_error.h"

#include <array>

namespace connector::csi::volume {
namespace {

constexpr std::string_view kSmall = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kName = "abcdefghijklmnopqrstuvwxyz0123456789-";
constexpr std::size_t kMaxNameBytes = 63;

bool Consists(std::string_view text, std::string_view of, std::size_t at_most) {
  return !text.empty() && text.size() <= at_most &&
         text.find_first_not_of(of) == std::string_view::npos;
}

}  // namespace

Result<TargetPath> ParseTargetPath(std::string_view pods_directory, std::string_view target) {
  const Error wrong = InvalidInput("the target path is not " + std::string(pods_directory) +
                                   "/POD-UID/volumes/kubernetes.io~csi/VOLUME/mount, so it is not "
                                   "touched; is podsDirectory the kubelet's folder of pods?");
  if (target.empty()) {
    return InvalidInput("the target path is missing");
  }
  if (!target.starts_with(pods_directory) ||
      !target.substr(pods_directory.size()).starts_with('/')) {
    return wrong;
  }
  std::string_view rest = target.substr(pods_directory.size() + 1);
  std::array<std::string_view, 5> parts;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::size_t slash = rest.find('/');
    const bool last = i + 1 == parts.size();
    if ((slash == std::string_view::npos) != last) {
      return wrong;
    }
    parts[i] = rest.substr(0, slash);
    rest.remove_prefix(last ? rest.size() : slash + 1);
  }
  const auto& [uid, volumes, plugin, name, leaf] = parts;
  if (!Consists(uid, kName, kMaxNameBytes) || volumes != "volumes" ||
      plugin != "kubernetes.io~csi" || !Consists(name, kName, kMaxNameBytes) ||
      !Consists(leaf, kSmall, kMaxNameBytes)) {
    return wrong;
  }
  const std::size_t parent = target.size() - leaf.size() - 1;
  return TargetPath{
      std::string(uid),
      std::string(target.substr(pods_directory.size() + 1, parent - pods_directory.size() - 1)),
      std::string(leaf)};
}

Result<Done> CheckPodUid(const TargetPath& target, std::string_view pod_uid) {
  if (target.pod_uid != pod_uid) {
    return InvalidInput("the target path lies in the folder of the pod " + target.pod_uid +
                        ", but the volume is for another one");
  }
  return Done{};
}

Result<Done> CheckVolumeId(std::string_view volume_id) {
  if (volume_id.empty()) {
    return InvalidInput("the volume id is missing");
  }
  if (!Consists(volume_id, kName, kMaxVolumeIdBytes)) {
    return InvalidInput("the volume id is not made of a-z, 0-9 and -, or is longer than 128 bytes");
  }
  return Done{};
}

}  // namespace connector::csi::volume
