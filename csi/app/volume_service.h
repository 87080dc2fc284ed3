#pragma once

// VolumeService: the kubelet's calls, from the socket to the mount, with their metrics, their log
// lines and their part of the status page.

#include "common/program/runtime.h"
#include "csi/app/cluster_watch.h"
#include "csi/app/metrics.h"
#include "csi/app/options.h"
#include "csi/app/status.h"
#include "csi/cluster/proxy_access_checker.h"
#include "csi/publish/resolver.h"
#include "csi/publish/volume_publisher.h"
#include "csi/rpc/csi_server.h"

#include <prometheus/metric_family.h>

#include <cstddef>
#include <memory>
#include <vector>

namespace connector::csi::app {

class VolumeService final : public program::Component {
 public:
  // All outlive it.
  VolumeService(program::Runtime& runtime,
                CsiMetrics& metrics,
                ClusterWatch& cluster,
                const CsiOptions& options);

  // Opens the socket.
  Result<Done> Start() override;
  // Calls under way finish, up to `deadline`. What is mounted stays mounted.
  void Stop(Deadline deadline) override;

  [[nodiscard]] std::vector<prometheus::MetricFamily> Metrics() const override;
  void AddStatus(admin::StatusReport& status) const override;

  [[nodiscard]] std::size_t CountVolumes() const;

 private:
  void Note(const rpc::CallReport& report);

  program::Runtime& runtime_;
  CsiMetrics& metrics_;
  ClusterWatch& cluster_;
  const CsiOptions& options_;
  RecentCallFailures failures_;
  cluster::ProxyAccessChecker access_checker_;
  publish::VolumeResolver resolver_;
  publish::VolumePublisher publisher_;
  std::unique_ptr<rpc::CsiServer> server_;
};

}  // namespace connector::csi::app
