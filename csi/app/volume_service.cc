#include "csi/app/volume_service.h"

#include "common/base/version.h"
#include "csi/files/mount_table.h"

#include <algorithm>
#include <string>
#include <utility>

namespace connector::csi::app {

VolumeService::VolumeService(program::Runtime& runtime,
                             CsiMetrics& metrics,
                             ClusterWatch& cluster,
                             const CsiOptions& options)
    : runtime_(runtime),
      metrics_(metrics),
      cluster_(cluster),
      options_(options),
      access_checker_([&cluster](boost::json::object body, Deadline deadline) {
        return cluster.client().Review(kube::kSubjectAccessReviews, std::move(body), deadline);
      }),
      resolver_(
          {options.configurations, options.tls, options.ca_file},
          [&cluster] { return cluster.Current(); },
          access_checker_),
      publisher_(options.pods_directory, options.tokens, resolver_, runtime.clock()) {}

Result<Done> VolumeService::Start() {
  rpc::CsiServiceParts parts;
  parts.io = &runtime_.io();
  parts.publisher = &publisher_;
  parts.log = &runtime_.logger();
  parts.ready = [this] { return cluster_.Current().synced; };
  parts.observe = [this](const rpc::CallReport& report) { Note(report); };
  parts.publish_timeout = options_.publish_timeout;
  auto server = rpc::CsiServer::Start(
      options_.socket_path, {options_.driver_name, kVersion, options_.node_id}, std::move(parts));
  if (!server) {
    return server.error();
  }
  server_ = std::move(*server);
  return Done{};
}

void VolumeService::Stop(Deadline deadline) {
  const auto left = deadline - std::chrono::steady_clock::now();
  server_->Stop(std::chrono::duration_cast<std::chrono::milliseconds>(left));
}

void VolumeService::Note(const rpc::CallReport& report) {
  metrics_.Called(report);
  const double took = std::chrono::duration<double>(report.took).count();
  if (const auto* failure = std::get_if<publish::PublishFailure>(&report.outcome)) {
    failures_.Note(report, *failure, runtime_.clock().Now());
    runtime_.logger().Warning("a call failed",
                              {{"call", report.call},
                               {"reason", publish::ToString(failure->reason)},
                               {"error", failure->message},
                               {"pod", report.pod},
                               {"volume_id", report.volume_id}});
    return;
  }
  const publish::PublishAction action = std::get<publish::PublishAction>(report.outcome);
  // The kubelet asks about every volume every minute or so.
  const bool routine =
      action == publish::PublishAction::kUnchanged || action == publish::PublishAction::kKept;
  runtime_.logger().Write(routine ? log::Level::kDebug : log::Level::kInfo,
                          "a call was served",
                          {{"call", report.call},
                           {"action", publish::ToString(action)},
                           {"pod", report.pod},
                           {"volume_id", report.volume_id},
                           {"seconds", took}});
}

std::size_t VolumeService::CountVolumes() const {
  const std::string prefix = options_.pods_directory + "/";
  const std::vector<files::OwnMount> mounts = files::OwnMounts(files::ReadMountInfo());
  return static_cast<std::size_t>(
      std::count_if(mounts.begin(), mounts.end(), [&](const files::OwnMount& mount) {
        return mount.path.starts_with(prefix);
      }));
}

std::vector<prometheus::MetricFamily> VolumeService::Metrics() const {
  return NodeStateFamilies({CountVolumes(), cluster_.Current().synced});
}

void VolumeService::AddStatus(admin::StatusReport& status) const {
  app::AddStatus({options_.driver_name,
                  options_.node_id,
                  cluster_.Current().connectors->objects.size(),
                  CountVolumes(),
                  metrics_.totals()},
                 failures_.List(),
                 status);
}

}  // namespace connector::csi::app
