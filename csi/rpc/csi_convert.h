#pragma once

// From the messages of CSI to what the publisher takes, and from its failures to gRPC's codes. The
// only place that reads the fields which may hold tokens; nothing prints a message.

#include "common/base/result.h"
#include "csi/publish/volume_publisher.h"

#include <grpcpp/support/status.h>

namespace csi::v1 {
class NodePublishVolumeRequest;
}  // namespace csi::v1

namespace connector::csi::rpc {

// Fails with kInvalidArgument for what CSI allows and an inline volume of files is not: a block
// device, a file system type, mount flags, a group that is no number.
[[nodiscard]] Result<publish::PublishRequest> FromProto(
    const ::csi::v1::NodePublishVolumeRequest& request);

[[nodiscard]] ::grpc::StatusCode CodeOf(publish::Reason reason);
[[nodiscard]] ::grpc::Status ToStatus(const publish::PublishOutcome& outcome);

// Overwrites the values that may hold tokens.
void Wipe(::csi::v1::NodePublishVolumeRequest& request);

}  // namespace connector::csi::rpc
