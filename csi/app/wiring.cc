#include "csi/app/wiring.h"

#include "common/base/version.h"
#include "common/kube/cluster_connection.h"
#include "common/program/runtime.h"
#include "csi/app/cluster_watch.h"
#include "csi/app/volume_service.h"
#include "csi/files/safe_open.h"

#include <algorithm>
#include <optional>
#include <thread>
#include <utility>

namespace connector::csi::app {
namespace {

// Calls spend their time in the kernel and waiting for the API; more threads would only cost
// memory.
constexpr unsigned kMinThreads = 2;
constexpr unsigned kMaxThreads = 4;

unsigned ThreadCount() {
  return std::clamp(std::thread::hardware_concurrency(), kMinThreads, kMaxThreads);
}

// Says at start what every mount would say.
Result<Done> CheckNode(const CsiOptions& options) {
  const Result<Done> kernel = files::CheckKernel();
  if (!kernel) {
    return kernel;
  }
  const Result<files::Fd> pods = files::OpenFolder(options.pods_directory);
  return pods ? Result<Done>(Done{}) : pods.error();
}

Result<kube::ClusterConnection> ReadConnection(const CsiOptions& options) {
  return options.kubeconfig_file.empty()
             ? kube::InClusterConnection()
             : kube::KubeconfigConnection(options.kubeconfig_file, options.kubeconfig_context);
}

}  // namespace

class Driver::Impl {
 public:
  Impl(CsiOptions options, log::Logger& logger)
      : options_(std::move(options)),
        runtime_({"csi", options_.admin_address, ThreadCount(), kDrainTimeout}, logger),
        metrics_(runtime_.registry()) {}

  ~Impl() { Stop(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Result<Done> Start() {
    const Result<Done> node = CheckNode(options_);
    if (!node) {
      return node;
    }
    Result<kube::ClusterConnection> connection = ReadConnection(options_);
    if (!connection) {
      return connection.error();
    }
    cluster_.emplace(runtime_, metrics_, *std::move(connection));
    volumes_.emplace(runtime_, metrics_, *cluster_, options_);
    const Result<Done> started = runtime_.Start({&*cluster_, &*volumes_});
    if (!started) {
      return started;
    }
    runtime_.logger().Info("started",
                           {{"version", kVersion},
                            {"driver", options_.driver_name},
                            {"endpoint", options_.socket_path},
                            {"admin_port", runtime_.admin_port()},
                            {"mounted_volumes", volumes_->CountVolumes()}});
    return started;
  }

  void Stop() { runtime_.Stop(); }

  [[nodiscard]] std::uint16_t admin_port() const { return runtime_.admin_port(); }

 private:
  const CsiOptions options_;
  program::Runtime runtime_;
  CsiMetrics metrics_;
  std::optional<ClusterWatch> cluster_;
  std::optional<VolumeService> volumes_;
};

Driver::Driver(CsiOptions options, log::Logger& logger)
    : impl_(std::make_unique<Impl>(std::move(options), logger)) {}

Driver::~Driver() = default;

Result<Done> Driver::Start() {
  return impl_->Start();
}

void Driver::Stop() {
  impl_->Stop();
}

std::uint16_t Driver::admin_port() const {
  return impl_->admin_port();
}

}  // namespace connector::csi::app
