#include "csi/publish/volume_publisher.h"

#include "csi/files/payload.h"
#include "csi/files/safe_open.h"
#include "csi/volume/kubelet_token.h"
#include "csi/volume/volume_attributes.h"

#include <sys/file.h>

#include <cerrno>
#include <utility>

namespace connector::csi::publish {
namespace {

PublishFailure Because(Reason reason, const Error& error) {
  return {reason, error.message};
}

// Of what files/ reports.
PublishFailure OfFiles(const Error& error) {
  switch (error.code) {
    case ErrorCode::kResourceExhausted:
      return {Reason::kVolumeFull,
              error.message + "; the node's memory, or the volume's 4 MiB, are used up"};
    case ErrorCode::kInvalidArgument:
      return {Reason::kTarget, error.message};
    default:
      return {Reason::kFileSystem, error.message};
  }
}

PublishFailure Busy() {
  return {Reason::kBusy, "another call for this volume is under way; the kubelet tries again"};
}

struct Checked {
  volume::TargetPath target;
  volume::VolumeAttributes attributes;
  volume::KubeletTokens tokens;
};

// Everything about a call that needs neither the cluster nor the node.
std::variant<Checked, PublishFailure> Check(const PublishRequest& request,
                                            const std::string& pods_directory,
                                            const std::string& audience,
                                            WallTime now) {
  if (const Result<Done> id = volume::CheckVolumeId(request.volume_id); !id) {
    return Because(Reason::kRequest, id.error());
  }
  Result<volume::TargetPath> target = volume::ParseTargetPath(pods_directory, request.target_path);
  if (!target) {
    return Because(Reason::kTarget, target.error());
  }
  Result<volume::VolumeAttributes> attributes = volume::ParseVolumeAttributes(request.context);
  if (!attributes) {
    return Because(Reason::kRequest, attributes.error());
  }
  // No pod's call can lead into another pod's folder.
  if (const Result<Done> own = volume::CheckPodUid(*target, attributes->pod.uid); !own) {
    return Because(Reason::kTarget, own.error());
  }
  Result<volume::KubeletTokens> tokens =
      volume::ParseKubeletTokens(request.tokens.Reveal(), audience, now);
  if (!tokens) {
    return Because(Reason::kToken, tokens.error());
  }
  return Checked{std::move(*target), std::move(*attributes), std::move(*tokens)};
}

}  // namespace

std::string_view ToString(PublishAction action) {
  switch (action) {
    case PublishAction::kMounted:
      return "mounted";
    case PublishAction::kRefreshed:
      return "refreshed";
    case PublishAction::kUnchanged:
      return "unchanged";
    case PublishAction::kKept:
      return "kept";
    case PublishAction::kUnmounted:
      return "unmounted";
  }
  return "unmounted";
}

VolumePublisher::VolumePublisher(std::string pods_directory,
                                 AudienceRules tokens,
                                 VolumeResolver& resolver,
                                 const Clock& clock)
    : pods_directory_(std::move(pods_directory)),
      token_rules_(std::move(tokens)),
      resolver_(resolver),
      clock_(clock) {}

Task<PublishOutcome> VolumePublisher::Publish(PublishRequest request, Deadline deadline) {
  std::variant<Checked, PublishFailure> result =
      Check(request, pods_directory_, token_rules_.audience, clock_.Now());
  if (auto* failure = std::get_if<PublishFailure>(&result)) {
    co_return std::move(*failure);
  }
  Checked& checked = std::get<Checked>(result);
  const TargetLock lock(*this, checked.target.parent);
  if (!lock.owned()) {
    co_return Busy();
  }
  Stage stage = Stage::kMount;
  {
    OpenedTarget opened = Open(checked.target);
    if (auto* failure = std::get_if<PublishFailure>(&opened)) {
      co_return std::move(*failure);
    }
    // If it is not this volume, Store says so, and nothing is mounted.
    if (files::IsMounted(std::get<0>(opened))) {
      stage = Stage::kRefresh;
    }
  }
  VolumeResolver::Answer answer =
      co_await resolver_.Resolve(std::move(checked.attributes), stage, deadline);
  if (auto* failure = std::get_if<PublishFailure>(&answer)) {
    co_return std::move(*failure);
  }
  auto& resolved = std::get<VolumeResolver::Resolved>(answer);
  WallTime expires_at{};
  if (std::optional<PublishFailure> failure = AssignTokens(
          checked.tokens, token_rules_, resolved.strict, resolved.request, expires_at)) {
    co_return *std::move(failure);
  }
  const Result<render::Volume> volume = render::RenderVolume(resolved.request);
  if (!volume) {
    co_return Because(Reason::kConfiguration, volume.error());
  }
  co_return Store(request, checked.target, *volume, expires_at, stage);
}

PublishOutcome VolumePublisher::Unpublish(const std::string& volume_id,
                                          const std::string& target_path) {
  if (const Result<Done> id = volume::CheckVolumeId(volume_id); !id) {
    return Because(Reason::kRequest, id.error());
  }
  const Result<volume::TargetPath> target = volume::ParseTargetPath(pods_directory_, target_path);
  if (!target) {
    return Because(Reason::kTarget, target.error());
  }
  const TargetLock lock(*this, target->parent);
  if (!lock.owned()) {
    return Busy();
  }
  const OpenedTarget opened = Open(*target);
  if (const auto* failure = std::get_if<PublishFailure>(&opened)) {
    // Nothing is where there is no folder. A second call, or the first after a reboot.
    return failure->reason == Reason::kGone ? PublishOutcome(PublishAction::kUnmounted)
                                            : PublishOutcome(*failure);
  }
  const Result<Done> done = files::Detach(std::get<0>(opened), volume_id);
  return done ? PublishOutcome(PublishAction::kUnmounted) : PublishOutcome(OfFiles(done.error()));
}

// Opens the kubelet's folder of the volume, for this process alone: it is locked as long as it is
// open.
VolumePublisher::OpenedTarget VolumePublisher::Open(const volume::TargetPath& target) const {
  const Result<files::Fd> pods = files::OpenFolder(pods_directory_);
  if (!pods) {
    return PublishFailure{
        Reason::kFileSystem,
        pods.error().message + "; podsDirectory names the kubelet's folder of pods"};
  }
  Result<files::Fd> parent = files::OpenBeneath(pods->get(), target.parent, O_RDONLY | O_DIRECTORY);
  if (!parent) {
    if (parent.error().code == ErrorCode::kNotFound) {
      return PublishFailure{Reason::kGone,
                            "the kubelet's folder of the volume is not there; is the pod gone?"};
    }
    return OfFiles(parent.error());
  }
  if (::flock(parent->get(), LOCK_EX | LOCK_NB) != 0) {
    return errno == EWOULDBLOCK ? Busy() : OfFiles(files::SystemError(target.parent, errno));
  }
  return files::MountTarget{std::move(*parent), target.leaf};
}

PublishOutcome VolumePublisher::Store(const PublishRequest& request,
                                      const volume::TargetPath& target,
                                      const render::Volume& volume,
                                      WallTime token_expires_at,
                                      Stage stage) const {
  const OpenedTarget opened = Open(target);
  if (const auto* failure = std::get_if<PublishFailure>(&opened)) {
    return *failure;
  }
  const files::MountTarget& mount_target = std::get<0>(opened);
  const Result<files::MountInspection> found = files::InspectMount(mount_target, request.volume_id);
  if (!found) {
    return OfFiles(found.error());
  }
  const files::Generation generation{token_expires_at, request.group};
  if (found->state == files::MountState::kOurs) {
    if (!volume::ShouldReplaceToken(token_expires_at, files::TokenExpiry(found->folder.get()))) {
      return PublishAction::kKept;
    }
    if (files::HoldsExactly(found->folder.get(), volume)) {
      return PublishAction::kUnchanged;
    }
    const Result<files::Fd> view = files::WritableView(found->folder);
    const Result<Done> done =
        view ? files::Write(view->get(), volume, generation) : Result<Done>(view.error());
    return done ? PublishOutcome(PublishAction::kRefreshed) : PublishOutcome(OfFiles(done.error()));
  }
  if (found->state == files::MountState::kForeign || found->state == files::MountState::kAnother) {
    return PublishFailure{
        Reason::kTarget,
        "something that is not this volume is mounted or stored at the target path"};
  }
  if (stage == Stage::kRefresh) {
    return Busy();  // It was unmounted meanwhile. What was not checked again is not mounted.
  }
  const Result<files::Fd> fresh = files::NewVolume(request.volume_id, request.group);
  Result<Done> done =
      fresh ? files::Write(fresh->get(), volume, generation) : Result<Done>(fresh.error());
  if (done) {
    done =
        files::Attach(*fresh,
                      mount_target,
                      request.read_only ? files::NodeAccess::kMayLabel : files::NodeAccess::kReads);
  }
  return done ? PublishOutcome(PublishAction::kMounted) : PublishOutcome(OfFiles(done.error()));
}

}  // namespace connector::csi::publish
