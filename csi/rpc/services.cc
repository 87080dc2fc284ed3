#include "csi/rpc/services.h"

#include "common/log/log.h"
#include "csi/rpc/csi_convert.h"

#include <utility>

namespace connector::csi::rpc {
namespace {

::grpc::ServerUnaryReactor* Finished(::grpc::CallbackServerContext& context,
                                     ::grpc::Status status = ::grpc::Status::OK) {
  ::grpc::ServerUnaryReactor* const reactor = context.DefaultReactor();
  reactor->Finish(std::move(status));
  return reactor;
}

class WipedMessages final : public ::grpc::MessageHolder<::csi::v1::NodePublishVolumeRequest,
                                                         ::csi::v1::NodePublishVolumeResponse> {
 public:
  WipedMessages() {
    set_request(&own_request_);
    set_response(&own_response_);
  }
  ~WipedMessages() override { Wipe(own_request_); }
  void Release() override { delete this; }

 private:
  ::csi::v1::NodePublishVolumeRequest own_request_;
  ::csi::v1::NodePublishVolumeResponse own_response_;
};

std::string PodOf(const publish::PublishRequest& request) {
  const auto name_space = request.context.find("csi.storage.k8s.io/pod.namespace");
  const auto name = request.context.find("csi.storage.k8s.io/pod.name");
  return name_space == request.context.end() || name == request.context.end()
             ? std::string()
             : name_space->second + "/" + name->second;
}

}  // namespace

::grpc::ServerUnaryReactor* IdentityService::GetPluginInfo(
    ::grpc::CallbackServerContext* context,
    const ::csi::v1::GetPluginInfoRequest* /*request*/,
    ::csi::v1::GetPluginInfoResponse* response) {
  response->set_name(who_.driver_name);
  response->set_vendor_version(who_.version);
  return Finished(*context);
}

::grpc::ServerUnaryReactor* IdentityService::GetPluginCapabilities(
    ::grpc::CallbackServerContext* context,
    const ::csi::v1::GetPluginCapabilitiesRequest* /*request*/,
    ::csi::v1::GetPluginCapabilitiesResponse* /*response*/) {
  return Finished(*context);
}

::grpc::ServerUnaryReactor* IdentityService::Probe(::grpc::CallbackServerContext* context,
                                                   const ::csi::v1::ProbeRequest* /*request*/,
                                                   ::csi::v1::ProbeResponse* response) {
  response->mutable_ready()->set_value(ready_());
  return Finished(*context);
}

::grpc::MessageHolder<::csi::v1::NodePublishVolumeRequest, ::csi::v1::NodePublishVolumeResponse>*
PublishMessages::AllocateMessages() {
  return new WipedMessages;  // Deletes itself in Release.
}

NodeService::NodeService(const DriverIdentity& who, CsiServiceParts parts)
    : who_(who), parts_(std::move(parts)), calls_(*parts_.io, *parts_.log) {
  SetMessageAllocatorFor_NodePublishVolume(&publish_messages_);
}

::grpc::ServerUnaryReactor* NodeService::NodePublishVolume(
    ::grpc::CallbackServerContext* context,
    const ::csi::v1::NodePublishVolumeRequest* request,
    ::csi::v1::NodePublishVolumeResponse* /*response*/) {
  Result<publish::PublishRequest> converted = FromProto(*request);
  if (!converted) {
    const publish::PublishOutcome outcome =
        publish::PublishFailure{publish::Reason::kRequest, converted.error().message};
    parts_.observe({"publish", request->volume_id(), {}, outcome, {}});
    return Finished(*context, ToStatus(outcome));
  }
  const Deadline deadline = grpc_support::CappedDeadline(*context, parts_.publish_timeout);
  return calls_.Run(*context, Publish(std::move(*converted), deadline));
}

::grpc::ServerUnaryReactor* NodeService::NodeUnpublishVolume(
    ::grpc::CallbackServerContext* context,
    const ::csi::v1::NodeUnpublishVolumeRequest* request,
    ::csi::v1::NodeUnpublishVolumeResponse* /*response*/) {
  return calls_.Run(*context, Unpublish(request->volume_id(), request->target_path()));
}

::grpc::ServerUnaryReactor* NodeService::NodeGetCapabilities(
    ::grpc::CallbackServerContext* context,
    const ::csi::v1::NodeGetCapabilitiesRequest* /*request*/,
    ::csi::v1::NodeGetCapabilitiesResponse* response) {
  // The kubelet then tells the pod's fsGroup and leaves the ownership of files to us.
  response->add_capabilities()->mutable_rpc()->set_type(
      ::csi::v1::NodeServiceCapability::RPC::VOLUME_MOUNT_GROUP);
  return Finished(*context);
}

::grpc::ServerUnaryReactor* NodeService::NodeGetInfo(
    ::grpc::CallbackServerContext* context,
    const ::csi::v1::NodeGetInfoRequest* /*request*/,
    ::csi::v1::NodeGetInfoResponse* response) {
  response->set_node_id(who_.node_id);
  return Finished(*context);
}

Task<::grpc::Status> NodeService::Publish(publish::PublishRequest request, Deadline deadline) {
  const auto started = std::chrono::steady_clock::now();
  CallReport report{"publish", request.volume_id, PodOf(request), {}, {}};
  report.outcome = co_await parts_.publisher->Publish(std::move(request), deadline);
  report.took = std::chrono::steady_clock::now() - started;
  parts_.observe(report);
  co_return ToStatus(report.outcome);
}

Task<::grpc::Status> NodeService::Unpublish(std::string volume_id, std::string target_path) {
  const auto started = std::chrono::steady_clock::now();
  const publish::PublishOutcome outcome = parts_.publisher->Unpublish(volume_id, target_path);
  const CallReport report{
      "unpublish", std::move(volume_id), {}, outcome, std::chrono::steady_clock::now() - started};
  parts_.observe(report);
  co_return ToStatus(report.outcome);
}

}  // namespace connector::csi::rpc
