#pragma once

// The gRPC face: CSI's Identity and Node services. Calls run as coroutines on the driver's
// executor, and go on when the kubelet has given up waiting: a repeated call then finds what was
// done.

#include "common/async/task.h"
#include "common/grpc/unary_bridge.h"
#include "csi/publish/volume_publisher.h"

#include "proto/csi/v1/csi.grpc.pb.h"

#include <grpcpp/support/message_allocator.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace connector::log {
class Logger;
}  // namespace connector::log

namespace connector::csi::rpc {

struct DriverIdentity {
  std::string driver_name;
  std::string version;
  std::string node_id;
};

// What one call came to, for logs and metrics.
struct CallReport {
  std::string_view call;  // "publish" or "unpublish"
  std::string volume_id;
  std::string pod;  // namespace/name; empty of an unpublish
  publish::PublishOutcome outcome;
  std::chrono::steady_clock::duration took{};
};

struct CsiServiceParts {
  asio::io_context* io = nullptr;
  publish::VolumePublisher* publisher = nullptr;
  log::Logger* log = nullptr;
  std::function<bool()> ready;
  std::function<void(const CallReport&)> observe;
  std::chrono::milliseconds publish_timeout{};
};

class IdentityService final : public ::csi::v1::Identity::CallbackService {
 public:
  IdentityService(const DriverIdentity& who, std::function<bool()> ready)
      : who_(who), ready_(std::move(ready)) {}

  ::grpc::ServerUnaryReactor* GetPluginInfo(::grpc::CallbackServerContext* context,
                                            const ::csi::v1::GetPluginInfoRequest* request,
                                            ::csi::v1::GetPluginInfoResponse* response) override;
  ::grpc::ServerUnaryReactor* GetPluginCapabilities(
      ::grpc::CallbackServerContext* context,
      const ::csi::v1::GetPluginCapabilitiesRequest* request,
      ::csi::v1::GetPluginCapabilitiesResponse* response) override;
  ::grpc::ServerUnaryReactor* Probe(::grpc::CallbackServerContext* context,
                                    const ::csi::v1::ProbeRequest* request,
                                    ::csi::v1::ProbeResponse* response) override;

 private:
  const DriverIdentity& who_;
  std::function<bool()> ready_;
};

// Messages that are wiped before their memory goes back.
class PublishMessages final
    : public ::grpc::MessageAllocator<::csi::v1::NodePublishVolumeRequest,
                                      ::csi::v1::NodePublishVolumeResponse> {
 public:
  ::grpc::MessageHolder<::csi::v1::NodePublishVolumeRequest, ::csi::v1::NodePublishVolumeResponse>*
  AllocateMessages() override;
};

class NodeService final : public ::csi::v1::Node::CallbackService {
 public:
  NodeService(const DriverIdentity& who, CsiServiceParts parts);

  ::grpc::ServerUnaryReactor* NodePublishVolume(
      ::grpc::CallbackServerContext* context,
      const ::csi::v1::NodePublishVolumeRequest* request,
      ::csi::v1::NodePublishVolumeResponse* response) override;
  ::grpc::ServerUnaryReactor* NodeUnpublishVolume(
      ::grpc::CallbackServerContext* context,
      const ::csi::v1::NodeUnpublishVolumeRequest* request,
      ::csi::v1::NodeUnpublishVolumeResponse* response) override;
  ::grpc::ServerUnaryReactor* NodeGetCapabilities(
      ::grpc::CallbackServerContext* context,
      const ::csi::v1::NodeGetCapabilitiesRequest* request,
      ::csi::v1::NodeGetCapabilitiesResponse* response) override;
  ::grpc::ServerUnaryReactor* NodeGetInfo(::grpc::CallbackServerContext* context,
                                          const ::csi::v1::NodeGetInfoRequest* request,
                                          ::csi::v1::NodeGetInfoResponse* response) override;

  // Returns when no call runs any more; the io_context must go on running until then.
  void WaitUntilIdle() { calls_.WaitUntilIdle(); }

 private:
  [[nodiscard]] Task<::grpc::Status> Publish(publish::PublishRequest request, Deadline deadline);
  [[nodiscard]] Task<::grpc::Status> Unpublish(std::string volume_id, std::string target_path);

  const DriverIdentity& who_;
  CsiServiceParts parts_;
  PublishMessages publish_messages_;

  grpc_support::UnaryCalls calls_;
};

}  // namespace connector::csi::rpc
