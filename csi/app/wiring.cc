#include "csi/app/wiring.h"

#include "common/admin/admin_server.h"
#include "common/admin/status_report.h"
#include "common/base/clock.h"
#include "common/base/version.h"
#include "common/kube/informer.h"
#include "common/metrics/process_metrics.h"
#include "csi/app/metrics.h"
#include "csi/app/status.h"
#include "csi/files/mount_table.h"
#include "csi/files/safe_open.h"
#include "csi/publish/volume_publisher.h"
#include "csi/rpc/csi_server.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <prometheus/registry.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <random>
#include <thread>
#include <utility>
#include <vector>

namespace connector::csi::app {
namespace {

// Calls spend their time in the kernel and waiting for the API; more threads would only cost
// memory.
constexpr unsigned kMaxThreads = 4;
constexpr std::chrono::seconds kStopTimeout{5};

double Random() {
  thread_local std::minstd_rand engine(std::random_device{}());
  return std::uniform_real_distribution<double>(0, 1)(engine);
}

Result<kube::ClusterConnection> ReadSettings(const CsiOptions& options) {
  return options.kubeconfig_file.empty()
             ? kube::InClusterConnection()
             : kube::KubeconfigConnection(options.kubeconfig_file, options.kubeconfig_context);
}

}  // namespace

class Driver::Impl {
 public:
  Impl(CsiOptions options, log::Logger& logger)
      : options_(std::move(options)),
        log_(logger),
        started_at_(clock_.Now()),
        process_metrics_(std::make_shared<metrics::ProcessMetrics>("csi", kVersion)),
        metrics_(*registry_),
        state_metrics_(std::make_shared<NodeStateMetrics>([this] {
          return NodeStateMetrics::State{CountVolumes(), Synced()};
        })) {}

  ~Impl() { Stop(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Result<Done> Start() {
    for (const auto step : {&Impl::CheckNode,
                            &Impl::ConnectCluster,
                            &Impl::BuildVolumePublisher,
                            &Impl::StartAdmin,
                            &Impl::StartServer}) {
      const Result<Done> done = (this->*step)();
      if (!done) {
        return done;
      }
    }
    log_.Info("started",
              {{"version", kVersion},
               {"driver", options_.driver_name},
               {"endpoint", options_.socket_path},
               {"admin_port", admin_->port()},
               {"mounted_volumes", CountVolumes()}});
    return Done{};
  }

  void Stop() {
    if (stopped_.exchange(true)) {
      return;
    }
    log_.Info("stopping");
    if (csi_server_) {
      csi_server_->Stop(kDrainTimeout);
    }
    StopInformers();
    if (client_) {
      client_->Shutdown();
    }
    if (admin_) {
      admin_->Stop();
    }
    io_.stop();
    for (std::thread& thread : threads_) {
      thread.join();
    }
    threads_.clear();
    log_.Info("stopped");
  }

  [[nodiscard]] std::uint16_t admin_port() const {
    return admin_ ? admin_->port() : std::uint16_t{0};
  }

 private:
  Result<Done> CheckNode() {
    const Result<Done> kernel = files::CheckKernel();
    if (!kernel) {
      return kernel;
    }
    const Result<files::Fd> pods = files::OpenFolder(options_.pods_directory);
    return pods ? Result<Done>(Done{}) : pods.error();
  }

  Result<Done> ConnectCluster() {
    Result<kube::ClusterConnection> settings = ReadSettings(options_);
    if (!settings) {
      return settings.error();
    }
    client_ = std::make_unique<kube::ApiClient>(
        std::move(*settings),
        kube::ApiClientParts{
            &log_,
            Random,
            [this](const kube::ApiRequestReport& exchange) { metrics_.Asked(exchange); },
            std::string("connector-csi/") + kVersion});
    const unsigned count = std::clamp(std::thread::hardware_concurrency(), 2U, kMaxThreads);
    for (unsigned i = 0; i < count; ++i) {
      threads_.emplace_back([this] { io_.run(); });
    }
    connectors_ = MakeInformer(kube::kConnectors);
    classes_ = MakeInformer(kube::kConnectorClasses);
    connectors_->Start(io_.get_executor());
    classes_->Start(io_.get_executor());
    return Done{};
  }

  std::unique_ptr<kube::Informer> MakeInformer(const kube::ResourceType& type) {
    kube::InformerOptions options;
    options.type = type;
    return std::make_unique<kube::Informer>(
        std::move(options),
        kube::Informer::Parts{client_.get(), &clock_, &log_, Random},
        [](const std::shared_ptr<const kube::Store>&, const kube::Changes&) {});
  }

  Result<Done> BuildVolumePublisher() {
    access_checker_ = std::make_unique<cluster::ProxyAccessChecker>(
        [this](boost::json::object body, Deadline deadline) {
          return client_->Review(kube::kSubjectAccessReviews, std::move(body), deadline);
        });
    resolver_ = std::make_unique<publish::VolumeResolver>(
        publish::ResolverOptions{options_.configurations, options_.tls, options_.ca_file},
        [this] {
          return publish::ClusterSnapshot{Synced(), connectors_->Current(), classes_->Current()};
        },
        *access_checker_);
    publisher_ =
        std::make_unique<publish::VolumePublisher>(options_.pods_directory, *resolver_, clock_);
    return Done{};
  }

  Result<Done> StartAdmin() {
    admin::AdminOptions options;
    options.address = options_.admin_address;
    options.readiness = [this] { return ReadinessNow(); };
    options.collectables = {registry_, process_metrics_, state_metrics_};
    options.status_json = [this] {
      return admin::ToJson(StatusOf({options_.driver_name,
                                     options_.node_id,
                                     kVersion,
                                     started_at_,
                                     connectors_->Current()->objects.size(),
                                     CountVolumes(),
                                     metrics_.totals()},
                                    ReadinessNow(),
                                    failures_.List()));
    };
    options.title = "connector-csi";
    admin_ = std::make_unique<admin::AdminServer>(std::move(options));
    return admin_->Start();
  }

  Result<Done> StartServer() {
    rpc::CsiServiceParts parts;
    parts.io = &io_;
    parts.publisher = publisher_.get();
    parts.log = &log_;
    parts.ready = [this] { return Synced(); };
    parts.observe = [this](const rpc::CallReport& report) { Note(report); };
    parts.publish_timeout = options_.publish_timeout;
    auto endpoint = rpc::CsiServer::Start(
        options_.socket_path, {options_.driver_name, kVersion, options_.node_id}, std::move(parts));
    if (!endpoint) {
      return endpoint.error();
    }
    csi_server_ = std::move(*endpoint);
    return Done{};
  }

  void Note(const rpc::CallReport& report) {
    metrics_.Called(report);
    const double took = std::chrono::duration<double>(report.took).count();
    if (const auto* failure = std::get_if<publish::PublishFailure>(&report.outcome)) {
      failures_.Note(report, *failure, clock_.Now());
      log_.Warning("a call failed",
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
    log_.Write(routine ? log::Level::kDebug : log::Level::kInfo,
               "a call was served",
               {{"call", report.call},
                {"action", publish::ToString(action)},
                {"pod", report.pod},
                {"volume_id", report.volume_id},
                {"seconds", took}});
  }

  [[nodiscard]] bool Synced() const {
    return connectors_->Health().synced && classes_->Health().synced;
  }

  admin::Readiness ReadinessNow() {
    admin::Readiness readiness;
    if (!Synced()) {
      readiness.reasons.emplace_back("the cluster's Connectors have not been read yet");
    }
    for (const kube::Informer* informer : {connectors_.get(), classes_.get()}) {
      const kube::InformerHealth health = informer->Health();
      if (health.synced && health.failing_since) {
        readiness.degraded.emplace_back("the Kubernetes API cannot be followed: " + health.problem);
      }
    }
    return readiness;
  }

  std::size_t CountVolumes() const {
    const std::string prefix = options_.pods_directory + "/";
    const std::vector<files::OwnMount> mounts = files::OwnMounts(files::ReadMountInfo());
    return static_cast<std::size_t>(
        std::count_if(mounts.begin(), mounts.end(), [&](const files::OwnMount& mount) {
          return mount.path.starts_with(prefix);
        }));
  }

  void StopInformers() {
    for (kube::Informer* informer : {connectors_.get(), classes_.get()}) {
      if (informer == nullptr) {
        continue;
      }
      std::promise<void> done;
      asio::co_spawn(io_,
                     informer->Stop(std::chrono::steady_clock::now() + kStopTimeout),
                     [&done](const std::exception_ptr&, bool) { done.set_value(); });
      done.get_future().wait();
    }
  }

  const CsiOptions options_;
  log::Logger& log_;
  const SystemClock clock_;
  const WallTime started_at_;

  std::shared_ptr<prometheus::Registry> registry_ = std::make_shared<prometheus::Registry>();
  std::shared_ptr<metrics::ProcessMetrics> process_metrics_;
  CsiMetrics metrics_;
  std::shared_ptr<NodeStateMetrics> state_metrics_;
  RecentCallFailures failures_;

  // Below here, what runs on io_ is destroyed before it.
  asio::io_context io_;
  asio::executor_work_guard<Executor> work_{io_.get_executor()};
  std::unique_ptr<kube::ApiClient> client_;
  std::unique_ptr<kube::Informer> connectors_;
  std::unique_ptr<kube::Informer> classes_;
  std::unique_ptr<cluster::ProxyAccessChecker> access_checker_;
  std::unique_ptr<publish::VolumeResolver> resolver_;
  std::unique_ptr<publish::VolumePublisher> publisher_;
  std::unique_ptr<admin::AdminServer> admin_;
  std::unique_ptr<rpc::CsiServer> csi_server_;
  std::vector<std::thread> threads_;
  std::atomic<bool> stopped_ = false;
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
