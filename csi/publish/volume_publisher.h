#pragma once

// VolumePublisher: the two calls that mount and unmount, without gRPC. One call at a time per
// target, also between two drivers on one node: a second call fails as busy, and the kubelet
// repeats it, as CSI says.
//
// Keeps no state of its own. What is mounted is known from the mount itself, so a driver that was
// killed and started again goes on where it was, and after a reboot of the node, which empties
// every tmpfs, there is nothing of ours to clean.

#include "common/async/task.h"
#include "common/base/clock.h"
#include "common/base/secret.h"
#include "csi/files/volume_mount.h"
#include "csi/publish/failure.h"
#include "csi/publish/resolver.h"
#include "csi/volume/target_path.h"

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>

namespace connector::csi::publish {

struct PublishRequest {
  std::string volume_id;
  std::string target_path;
  std::map<std::string, std::string> context;  // Without the tokens.
  Secret tokens;                               // As the kubelet's JSON; empty: none.
  std::optional<gid_t> group;                  // The pod's fsGroup.
  // The container's mount is read-only by the kubelet's doing (`readOnly: true` of the volume).
  bool read_only = false;
};

enum class PublishAction : std::uint8_t {
  kMounted,
  kRefreshed,  // Mounted already, and its files were replaced.
  kUnchanged,  // Mounted already, with exactly these files.
  kKept,       // Mounted already, with a token that is valid for longer than the one that came.
  kUnmounted,
};

inline constexpr PublishAction kActions[] = {PublishAction::kMounted,
                                             PublishAction::kRefreshed,
                                             PublishAction::kUnchanged,
                                             PublishAction::kKept,
                                             PublishAction::kUnmounted};

[[nodiscard]] std::string_view ToString(PublishAction action);  // "mounted" ...

using PublishOutcome = std::variant<PublishAction, PublishFailure>;

class VolumePublisher {
 public:
  // `resolver` and `clock` outlive the publisher. `pods_directory` has no slash at its end.
  VolumePublisher(std::string pods_directory,
                  AudienceRules tokens,
                  VolumeResolver& resolver,
                  const Clock& clock);

  // Thread-safe. Blocks its thread while files are written to memory.
  [[nodiscard]] Task<PublishOutcome> Publish(PublishRequest request, Deadline deadline);
  [[nodiscard]] PublishOutcome Unpublish(const std::string& volume_id,
                                         const std::string& target_path);

 private:
  // A target that one call has for itself until it ends.
  class TargetLock {
   public:
    TargetLock(VolumePublisher& publisher, std::string key)
        : publisher_(publisher), key_(std::move(key)) {
      const std::lock_guard lock(publisher_.mutex_);
      owned_ = publisher_.busy_.insert(key_).second;
    }
    ~TargetLock() {
      if (owned_) {
        const std::lock_guard lock(publisher_.mutex_);
        publisher_.busy_.erase(key_);
      }
    }
    TargetLock(const TargetLock&) = delete;
    TargetLock& operator=(const TargetLock&) = delete;

    [[nodiscard]] bool owned() const { return owned_; }

   private:
    VolumePublisher& publisher_;
    std::string key_;
    bool owned_ = false;
  };

  using OpenedTarget = std::variant<files::MountTarget, PublishFailure>;

  [[nodiscard]] OpenedTarget Open(const volume::TargetPath& target) const;
  [[nodiscard]] PublishOutcome Store(const PublishRequest& request,
                                     const volume::TargetPath& target,
                                     const render::Volume& volume,
                                     WallTime token_expires_at,
                                     Stage stage) const;

  std::string pods_directory_;
  AudienceRules token_rules_;
  VolumeResolver& resolver_;
  const Clock& clock_;
  std::mutex mutex_;
  std::set<std::string> busy_;
};

}  // namespace connector::csi::publish
