#include "csi/rpc/csi_convert.h"

#include "common/base/input_error.h"
#include "common/config/yaml_scalar.h"
#include "csi/volume/volume_attributes.h"

#include "proto/csi/v1/csi.pb.h"

#include <openssl/crypto.h>

#include <limits>
#include <string>
#include <utility>

namespace connector::csi::rpc {
namespace {

Result<std::optional<gid_t>> ReadGroup(const std::string& text) {
  if (text.empty()) {
    return std::optional<gid_t>();
  }
  // The highest number means "no group" to the system.
  constexpr std::int64_t kMaxGroup = std::numeric_limits<gid_t>::max() - 1;
  const Result<std::int64_t> group = config::ParseInteger(text, 0, kMaxGroup);
  if (!group) {
    return InvalidInput("the volume mount group is not the number of a group: " +
                        group.error().message);
  }
  return std::optional(static_cast<gid_t>(*group));
}

template <typename Map>
const std::string* Find(const Map& map, std::string_view key) {
  const auto found = map.find(std::string(key));
  return found == map.end() ? nullptr : &found->second;
}

}  // namespace

Result<publish::PublishRequest> FromProto(const ::csi::v1::NodePublishVolumeRequest& request) {
  if (request.volume_id().empty()) {
    return InvalidInput("the volume id is missing");
  }
  if (request.target_path().empty()) {
    return InvalidInput("the target path is missing");
  }
  if (!request.volume_capability().has_mount()) {
    return InvalidInput(
        "the volume capability is missing, or is not a mount: only files are served");
  }
  const auto& mount = request.volume_capability().mount();
  if (!mount.fs_type().empty() && mount.fs_type() != "tmpfs") {
    return InvalidInput("the volume is a tmpfs; leave csi.fsType out");
  }
  if (mount.mount_flags_size() > 0) {
    return InvalidInput("the volume takes no mount options");
  }
  const Result<std::optional<gid_t>> group = ReadGroup(mount.volume_mount_group());
  if (!group) {
    return group.error();
  }
  publish::PublishRequest out;
  out.volume_id = request.volume_id();
  out.target_path = request.target_path();
  out.group = *group;
  out.read_only = request.readonly();
  const std::string* tokens = Find(request.secrets(), volume::kTokensKey);
  if (tokens == nullptr) {
    tokens = Find(request.volume_context(), volume::kTokensKey);
  }
  if (tokens != nullptr) {
    out.tokens = Secret(*tokens);
  }
  for (const auto& [key, value] : request.volume_context()) {
    if (key != volume::kTokensKey) {
      out.context.emplace(key, value);
    }
  }
  return out;
}

::grpc::StatusCode CodeOf(publish::Reason reason) {
  switch (reason) {
    case publish::Reason::kRequest:
    case publish::Reason::kTarget:
    case publish::Reason::kConfiguration:
      return ::grpc::StatusCode::INVALID_ARGUMENT;
    case publish::Reason::kNoConnector:
      return ::grpc::StatusCode::NOT_FOUND;
    case publish::Reason::kNotGranted:
      return ::grpc::StatusCode::PERMISSION_DENIED;
    case publish::Reason::kGone:
    case publish::Reason::kToken:
    case publish::Reason::kNotReady:
      return ::grpc::StatusCode::FAILED_PRECONDITION;
    case publish::Reason::kApi:
      return ::grpc::StatusCode::UNAVAILABLE;
    case publish::Reason::kBusy:
      return ::grpc::StatusCode::ABORTED;
    case publish::Reason::kVolumeFull:
      return ::grpc::StatusCode::RESOURCE_EXHAUSTED;
    case publish::Reason::kFileSystem:
      break;
  }
  return ::grpc::StatusCode::INTERNAL;
}

::grpc::Status ToStatus(const publish::PublishOutcome& outcome) {
  const auto* failure = std::get_if<publish::PublishFailure>(&outcome);
  return failure == nullptr ? ::grpc::Status::OK
                            : ::grpc::Status(CodeOf(failure->reason), failure->message);
}

void Wipe(::csi::v1::NodePublishVolumeRequest& request) {
  for (auto& [key, value] : *request.mutable_secrets()) {
    OPENSSL_cleanse(value.data(), value.size());
  }
  for (auto& [key, value] : *request.mutable_volume_context()) {
    OPENSSL_cleanse(value.data(), value.size());
  }
}

}  // namespace connector::csi::rpc
