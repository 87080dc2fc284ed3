#include "controller/app/wiring.h"

#include "common/admin/admin_server.h"
#include "common/base/clock.h"
#include "common/base/encoding.h"
#include "common/base/version.h"
#include "common/kube/api_client.h"
#include "common/kube/cluster_connection.h"
#include "common/metrics/process_metrics.h"
#include "controller/app/metrics.h"
#include "controller/app/status.h"
#include "controller/election/elector.h"
#include "controller/probe/probe_client.h"
#include "controller/probe/probe_runner.h"
#include "controller/reconcile/reconciler.h"
#include "controller/view/cluster_view.h"
#include "controller/writer/writer.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <grpcpp/channel.h>
#include <grpcpp/support/channel_arguments.h>
#include <openssl/rand.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <future>
#include <random>
#include <string>
#include <thread>
#include <utility>

namespace connector::controller::app {
namespace {

grpc::ChannelArguments ChannelArguments() {
  grpc::ChannelArguments arguments;
  arguments.SetLoadBalancingPolicyName("round_robin");
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 10'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 5'000);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 200);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 200);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2'000);
  return arguments;
}

// In [0, 1). Any thread.
double Random() {
  thread_local std::minstd_rand generator{std::random_device{}()};
  return std::uniform_real_distribution<double>(0, 1)(generator);
}

// Unlike that of every other process, also on a host of the same name: a Lease with it is ours.
std::string Identity() {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) {
    host = {"unknown"};
  }
  std::array<unsigned char, 8> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) {
    throw std::runtime_error("no random numbers for this replica's identity");
  }
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return std::string(host.data()) + "_" + HexEncode(text);
}

Result<kube::ClusterConnection> ApiSettings(const ControllerOptions& options) {
  return options.kubeconfig_file.empty()
             ? kube::InClusterConnection()
             : kube::KubeconfigConnection(options.kubeconfig_file, options.kubeconfig_context);
}

}  // namespace

// All but the admin server runs on one thread: the controller waits far more than it works, and
// what runs on one thread needs no locks.
class Controller::Impl {
 public:
  Impl(ControllerOptions options, log::Logger& logger)
      : options_(std::move(options)),
        log_(logger),
        started_at_(clock_.Now()),
        identity_(Identity()),
        process_metrics_(std::make_shared<metrics::ProcessMetrics>("controller", kVersion)),
        metrics_(*registry_) {}

  ~Impl() { Stop(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Result<Done> Start() {
    Result<kube::ClusterConnection> settings = ApiSettings(options_);
    if (!settings) {
      return settings.error();
    }
    if (options_.lease_namespace.empty()) {
      options_.lease_namespace = settings->ns;
    }
    BuildClients(*std::move(settings));
    BuildElection();
    BuildView();
    BuildReconciler();
    const Result<Done> admin = StartAdmin();
    if (!admin) {
      return admin;
    }
    view_->Start(io_.get_executor());
    reconciler_->Start(io_.get_executor());
    runner_->Start(io_.get_executor());
    elector_->Start(io_.get_executor());
    thread_ = std::thread([this] { io_.run(); });
    log_.Info("started",
              {{"version", kVersion},
               {"identity", identity_},
               {"lease", Lease().ToString()},
               {"admin_port", admin_->port()}});
    return Done{};
  }

  void Stop() {
    if (stopping_.exchange(true)) {
      return;
    }
    log_.Info("stopping");
    if (thread_.joinable()) {
      std::promise<void> stopped;
      asio::co_spawn(
          io_, StopParts(), [&stopped](const std::exception_ptr&) { stopped.set_value(); });
      stopped.get_future().wait();
      client_->Shutdown();
      io_.stop();
      thread_.join();
    }
    if (admin_) {
      admin_->Stop();
    }
    log_.Info("stopped");
  }

  [[nodiscard]] std::uint16_t admin_port() const {
    return admin_ ? admin_->port() : std::uint16_t{0};
  }

 private:
  [[nodiscard]] kube::ObjectName Lease() const {
    return {options_.lease_namespace, options_.lease_name};
  }

  void BuildClients(kube::ClusterConnection settings) {
    kube::ApiClientParts parts;
    parts.logger = &log_;
    parts.random = &Random;
    parts.observe = [this](const kube::ApiRequestReport& exchange) {
      metrics_.Requested(exchange);
    };
    parts.user_agent = std::string("connector-controller/") + kVersion;
    client_ = std::make_unique<kube::ApiClient>(std::move(settings), std::move(parts));
    channel_ = grpc_support::MakeChannel(options_.broker_address,
                                         options_.broker_tls,
                                         options_.broker_server_name,
                                         ChannelArguments());
    broker_ = std::make_unique<probe::ProbeClient>(channel_, options_.broker_timeout);
  }

  void BuildElection() {
    election::Elector::Parts parts{client_.get(), &clock_, &log_, &Random, [this](bool leading) {
                                     metrics_.Leading(leading);
                                     reconciler_->LeadershipChanged();
                                     runner_->Wake();
                                   }};
    elector_ = std::make_unique<election::Elector>(
        election::ElectionOptions{Lease(), identity_, options_.lease_times}, std::move(parts));
    writer_ = std::make_unique<Writer>(
        Writer::Parts{client_.get(),
                      [this] { return elector_->HeldUntil(); },
                      [this](const WriteReport& written) { metrics_.Wrote(written); }});
  }

  void BuildView() {
    ClusterView::Parts parts;
    parts.client = client_.get();
    parts.clock = &clock_;
    parts.logger = &log_;
    parts.random = &Random;
    parts.on_change = [this](const std::vector<ConnectorRef>& refs) { reconciler_->Changed(refs); };
    parts.on_all = [this] { reconciler_->AllChanged(); };
    view_ = std::make_unique<ClusterView>(options_.service, std::move(parts));
  }

  void BuildReconciler() {
    const auto leading = [this] { return elector_->HeldUntil().has_value(); };
    probe::ProbeRunner::Parts probes;
    probes.broker = broker_.get();
    probes.leading = leading;
    probes.random = &Random;
    probes.on_answer = [this](const ConnectorRef& ref, const probe::ProbeRunner::Answer& answer) {
      return reconciler_->OnAnswer(ref, answer);
    };
    probes.observe = [this](std::string_view result, std::chrono::steady_clock::duration took) {
      metrics_.Probed(result, took);
      metrics_.BrokerAvailable(result != "unavailable");
      broker_available_ = result != "unavailable";
    };
    runner_ = std::make_unique<probe::ProbeRunner>(options_.probes, std::move(probes));

    Reconciler::Parts parts;
    parts.client = client_.get();
    parts.writer = writer_.get();
    parts.view = view_.get();
    parts.clock = &clock_;
    parts.logger = &log_;
    parts.leading = leading;
    parts.random = &Random;
    parts.schedule_probe = [this](const ConnectorRef& ref, probe::ProbeSchedule schedule) {
      runner_->Schedule(ref, schedule);
    };
    parts.observe = [this](std::string_view result, std::chrono::steady_clock::duration took) {
      metrics_.Reconciled(result, took);
    };
    parts.on_queue_depth = [this](std::size_t waiting) { metrics_.QueueDepth(waiting); };
    reconciler_ = std::make_unique<Reconciler>(
        ReconcileOptions{options_.service, options_.probe_rules, options_.workers, identity_},
        std::move(parts));
  }

  Result<Done> StartAdmin() {
    connector_metrics_ = std::make_shared<ConnectorMetrics>([this] { return view_->connectors(); });
    const ControllerStatusSources sources{view_.get(),
                                          elector_.get(),
                                          kVersion,
                                          Lease().ToString(),
                                          options_.broker_address,
                                          started_at_};
    admin::AdminOptions options;
    options.address = options_.admin_address;
    options.readiness = [this] { return ReadinessOf(*view_, stopping_); };
    options.collectables = {registry_, process_metrics_, connector_metrics_};
    options.status_json = [this, sources] {
      return admin::ToJson(StatusOf(sources, ReadinessOf(*view_, stopping_), broker_available_));
    };
    options.title = "connector-controller";
    admin_ = std::make_unique<admin::AdminServer>(std::move(options));
    return admin_->Start();
  }

  // Nothing is written any more before the Lease is handed back.
  Task<void> StopParts() {
    const Deadline deadline = std::chrono::steady_clock::now() + kStopTimeout;
    const bool probes = co_await runner_->Stop(deadline);
    const bool turns = co_await reconciler_->Stop(deadline);
    const bool watches = co_await view_->Stop(deadline);
    if (!probes || !turns || !watches) {
      log_.Warning("not all work ended in time; the lease is left to run out");
      co_return;
    }
    co_await elector_->Stop(deadline);
  }

  ControllerOptions options_;
  log::Logger& log_;
  const SystemClock clock_;
  const WallTime started_at_;
  const std::string identity_;

  std::shared_ptr<prometheus::Registry> registry_ = std::make_shared<prometheus::Registry>();
  std::shared_ptr<metrics::ProcessMetrics> process_metrics_;
  std::shared_ptr<ConnectorMetrics> connector_metrics_;
  ControllerMetrics metrics_;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> broker_available_ = true;

  // Below here, what runs on io_ is destroyed before it.
  asio::io_context io_{1};
  asio::executor_work_guard<Executor> work_{io_.get_executor()};
  std::unique_ptr<kube::ApiClient> client_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<probe::ProbeClient> broker_;
  std::unique_ptr<election::Elector> elector_;
  std::unique_ptr<Writer> writer_;
  std::unique_ptr<ClusterView> view_;
  std::unique_ptr<probe::ProbeRunner> runner_;
  std::unique_ptr<Reconciler> reconciler_;
  std::unique_ptr<admin::AdminServer> admin_;
  std::thread thread_;
};

Controller::Controller(ControllerOptions options, log::Logger& logger)
    : impl_(std::make_unique<Impl>(std::move(options), logger)) {}

Controller::~Controller() = default;

Result<Done> Controller::Start() {
  return impl_->Start();
}

void Controller::Stop() {
  impl_->Stop();
}

std::uint16_t Controller::admin_port() const {
  return impl_->admin_port();
}

}  // namespace connector::controller::app
