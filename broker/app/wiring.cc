#include "broker/app/wiring.h"

#include "broker/api/broker_endpoint.h"
#include "broker/api/to_proto.h"
#include "broker/app/access_service.h"
#include "broker/app/cluster_service.h"
#include "broker/app/metrics.h"
#include "broker/app/status.h"
#include "broker/app/verifiers.h"
#include "broker/connectors/directory/directory_source.h"
#include "broker/health_check/prober.h"
#include "broker/secrets/file/file_store.h"
#include "broker/secrets/routing_secret_store.h"
#include "broker/secrets/vault/vault_service.h"
#include "broker/secrets/vault/vault_view.h"
#include "broker/upstream_auth/anonymous/anonymous_minter.h"
#include "broker/upstream_auth/basic/basic_minter.h"
#include "broker/upstream_auth/minting_token_source.h"
#include "broker/upstream_auth/registry_token/distribution_minter.h"
#include "common/admin/admin_server.h"
#include "common/base/clock.h"
#include "common/base/version.h"
#include "common/kube/metered_client.h"
#include "common/metrics/process_metrics.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/steady_timer.hpp>
#include <malloc.h>
#include <prometheus/registry.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <thread>
#include <utility>
#include <vector>

namespace connector::broker::app {
namespace {

constexpr std::chrono::seconds kKeyScheduleInterval{10};
// What a burst took, as when thousands of connectors are probed at once, is given back in a minute.
constexpr unsigned kTurnsBetweenTrims = 6;
// Before it serves, a broker gives Vault this long to tell what connectors refer to: without, their
// epochs would change twice at each start, and data planes drop good tokens.
constexpr std::chrono::seconds kFirstReadTimeout{5};

Task<v1::CheckConnectorResponse> Probe(health_check::Prober* prober,
                                       std::shared_ptr<const connectors::CatalogEntry> entry,
                                       Deadline deadline) {
  const std::vector<health_check::HealthCheckStep> steps =
      co_await prober->Check(std::move(entry), deadline);
  v1::CheckConnectorResponse response;
  for (const health_check::HealthCheckStep& step : steps) {
    v1::ProbeStep& out = *response.add_steps();
    out.set_name(step.name);
    out.set_ok(step.ok);
    out.set_reason(step.reason);
    out.set_message(step.message);
    *out.mutable_took() = api::ToProto(step.took);
  }
  co_return response;
}

}  // namespace

class Broker::Impl {
 public:
  Impl(Options options, log::Logger& logger)
      : options_(std::move(options)),
        log_(logger),
        started_at_(clock_.Now()),
        process_metrics_(std::make_shared<metrics::ProcessMetrics>("broker", kVersion)),
        request_metrics_(*registry_),
        secrets_(options_.root_key.Reveal()),
        hub_(catalog_, options_.root_key.Clone(), clock_),
        schedule_timer_(io_) {}

  ~Impl() { Stop(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Result<Done> Start() {
    for (const auto step : {&Impl::BuildStores,
                            &Impl::LoadResources,
                            &Impl::OpenAudit,
                            &Impl::BuildHandlers,
                            &Impl::StartAdmin,
                            &Impl::AwaitCredentials,
                            &Impl::OpenEndpoint,
                            &Impl::FollowResources}) {
      const Result<Done> done = (this->*step)();
      if (!done) {
        return done;
      }
    }
    log_.Info("started",
              {{"version", kVersion},
               {"port", endpoint_->port()},
               {"admin_port", admin_->port()},
               {"connectors", catalog_.Current()->entries.size()},
               {"audit_head", audit_->Status().head.seq}});
    return Done{};
  }

  void Stop() {
    if (stopped_.exchange(true)) {
      return;
    }
    serving_ = false;
    log_.Info("stopping");
    if (cluster_ && following_) {
      cluster_->Stop();  // First: it may be about to open the endpoint.
    }
    if (endpoint_) {
      endpoint_->Stop(kDrainTimeout);
    }
    if (source_ && following_) {
      source_->Stop();
    }
    if (kube_) {
      kube_->client().Shutdown();
    }
    if (access_ && !threads_.empty()) {
      access_->Stop();
    }
    mint_client_.Shutdown();
    identity_client_.Shutdown();
    StopTokens();
    if (vault_ && !threads_.empty()) {
      vault_->Stop();
    }
    if (audit_) {
      audit_->Stop();
    }
    if (admin_) {
      admin_->Stop();
    }
    StopThreads();
    log_.Info("stopped");
  }

  [[nodiscard]] std::uint16_t port() const {
    return endpoint_ ? endpoint_->port() : std::uint16_t{0};
  }
  [[nodiscard]] std::uint16_t admin_port() const {
    return admin_ ? admin_->port() : std::uint16_t{0};
  }

 private:
  Result<Done> BuildStores() {
    if (options_.vault) {
      vault_ = std::make_unique<secrets::VaultService>(
          *options_.vault,
          secrets::VaultService::Parts{
              options_.root_key.Reveal(), clock_, io_, log_, *registry_, catalog_, [this] {
                publisher_->Refresh();
              }});
    }
    if (options_.kubernetes) {
      kube_ = std::make_unique<kube::MeteredClient>(options_.kubernetes->Clone(), log_, *registry_);
    }
    if (options_.in_cluster()) {
      cluster_ = std::make_unique<ClusterService>(
          ClusterService::Parts{*kube_, options_.root_key.Reveal(), clock_, io_, log_, *registry_});
    }
    secrets::SecretStore& secrets =
        cluster_ ? static_cast<secrets::SecretStore&>(cluster_->store()) : secrets_;
    stores_ =
        std::make_unique<secrets::RoutingSecretStore>(secrets, vault_ ? &vault_->store() : nullptr);
    publisher_ = std::make_unique<connectors::CatalogPublisher>(
        connectors::CatalogPublisher::Targets{secrets_, catalog_, *registry_},
        connectors::CredentialViews{vault_ ? vault_->View() : connectors::CredentialView{},
                                    cluster_ ? cluster_->View() : connectors::CredentialView{}});
    if (cluster_) {
      cluster_->PublishTo(*publisher_);
    } else {
      open_ = true;
      source_ = std::make_unique<connectors::DirectorySource>(
          options_.resource_directory,
          connectors::DirectorySource::Targets{*publisher_, log_, *registry_});
    }
    return Done{};
  }

  // Those of a cluster come later, when they come.
  Result<Done> LoadResources() { return source_ ? source_->Load() : Result<Done>(Done{}); }

  Result<Done> AwaitCredentials() {
    if (source_ && vault_ && !publisher_->WaitForCredentials(kFirstReadTimeout)) {
      log_.Warning("not all credentials in Vault could be read; starting without them");
    }
    return Done{};
  }

  Result<Done> OpenAudit() {
    audit::FileAuditLogOptions options;
    options.chain.directory = options_.audit_directory;
    options.chain.replica = options_.audit_replica;
    options.chain.max_file_age = options_.max_audit_file_age;
    options.chain.clock = &clock_;
    options.chain.log = &log_;
    options.registry = registry_.get();
    auto audit = audit::FileAuditLog::Open(std::move(options));
    if (!audit) {
      return audit.error();
    }
    audit_ = std::move(*audit);
    state_metrics_ = std::make_shared<StateMetrics>(catalog_, hub_, *audit_);
    return Done{};
  }

  Result<Done> BuildHandlers() {
    if (options_.rbac || options_.kubernetes_identity) {
      access_ = std::make_unique<AccessService>(
          options_,
          AccessService::Parts{
              kube_->client(), clock_, io_, log_, *registry_, [this](const auto& refresh) {
                NoteKeys(refresh);
              }});
    }
    VerifierParts parts;
    parts.access = access_.get();
    parts.client = &identity_client_;
    parts.clock = &clock_;
    parts.on_refresh = [this](const callers::KeyRefresh& refresh) { NoteKeys(refresh); };
    parts.on_verify = [this](callers::VerifyOutcome outcome) {
      request_metrics_.Verified(outcome);
    };
    auto verifier = MakeVerifier(options_, std::move(parts));
    if (!verifier) {
      return verifier.error();
    }
    verifier_ = std::move(*verifier);
    StartThreads();
    if (access_) {
      access_->Start();
    }
    tokens_ = upstream_auth::MakeTokenSource(
        {*stores_,
         {{resource::AuthKind::kTokenAuth,
           upstream_auth::MakeDistributionMinter(mint_client_, clock_)},
          {resource::AuthKind::kBasicAuth, upstream_auth::MakeBasicMinter(clock_)},
          {resource::AuthKind::kAnonymous,
           upstream_auth::MakeAnonymousMinter(mint_client_, clock_)}},
         clock_,
         io_.get_executor(),
         *registry_,
         {},
         {}});
    prober_ = health_check::MakeProber(
        *stores_, *tokens_, mint_client_, vault_ ? vault_->Login() : secrets::VaultLoginCheck{});
    issue_ = std::make_unique<api::IssueTokenHandler>(
        api::IssueTokenParts{&catalog_,
                             verifier_.get(),
                             tokens_.get(),
                             audit_.get(),
                             &clock_,
                             &log_,
                             [this](const api::IssueOutcome& outcome) {
                               request_metrics_.Issued(outcome);
                               failures_.Note(outcome, clock_.Now());
                             },
                             access_ ? access_->reviewer() : nullptr});
    auto probe = [prober = prober_.get()](std::shared_ptr<const connectors::CatalogEntry> entry,
                                          Deadline deadline) {
      return Probe(prober, std::move(entry), deadline);
    };
    operators_ = std::make_unique<api::OperatorHandler>(
        api::OperatorParts{&catalog_,
                           verifier_.get(),
                           std::move(probe),
                           &log_,
                           access_ ? access_->reviewer() : nullptr});
    return Done{};
  }

  Result<Done> FollowResources() {
    following_ = true;
    if (cluster_) {
      cluster_->Start([this] { Open(); });
    } else {
      source_->Start();
      Open();
    }
    return Done{};
  }

  void Open() {
    open_ = true;
    serving_ = true;
    endpoint_->SetServing(true);
    if (cluster_) {
      log_.Info("ready", {{"connectors", catalog_.Current()->entries.size()}});
    }
  }

  admin::Readiness ReadinessNow() {
    // A Vault that no connector needs degrades nothing; we do not even log in there.
    const bool needs_vault = vault_ && secrets::NeedsVault(*catalog_.Current());
    const bool reading = cluster_ && following_ && !open_;
    admin::Readiness readiness =
        ReadinessOf(audit_->Status(),
                    serving_ || reading,
                    needs_vault ? std::optional(vault_->store().Status()) : std::nullopt);
    if (cluster_) {
      AddTo(readiness, cluster_->Status());
    }
    if (std::string reason = access_ ? access_->NotReady() : std::string(); !reason.empty()) {
      readiness.reasons.push_back(std::move(reason));
    }
    return readiness;
  }

  Result<Done> StartAdmin() {
    const StatusSources sources{&catalog_,
                                audit_.get(),
                                &hub_,
                                &request_metrics_,
                                &failures_,
                                vault_ ? &vault_->store() : nullptr,
                                cluster_ ? &cluster_->store() : nullptr,
                                kVersion,
                                started_at_};
    admin::AdminOptions options;
    options.address = options_.admin_address;
    options.readiness = [this] { return ReadinessNow(); };
    options.collectables = {registry_, process_metrics_, state_metrics_};
    if (vault_) {
      options.collectables.emplace_back(vault_->state_metrics());
    }
    if (cluster_) {
      options.collectables.emplace_back(cluster_->state_metrics());
    }
    if (access_) {
      options.collectables.emplace_back(access_metrics_ = access_->state_metrics());
    }
    options.status_json = [this, sources] {
      admin::StatusReport status = StatusOf(sources, ReadinessNow());
      if (cluster_) {
        status.sections.push_back(ClusterSection(cluster_->Status()));
      }
      if (access_) {
        status.sections.push_back(access_->Section());
      }
      return admin::ToJson(status);
    };
    options.title = "connector-broker";
    admin_ = std::make_unique<admin::AdminServer>(std::move(options));
    return admin_->Start();
  }

  Result<Done> OpenEndpoint() {
    auto endpoint = api::BrokerEndpoint::Start(
        {.listen_address = options_.listen_address, .tls = options_.tls, .peers = options_.peers},
        {&io_, issue_.get(), operators_.get(), &hub_, &log_, &open_});
    if (!endpoint) {
      return endpoint.error();
    }
    endpoint_ = std::move(*endpoint);
    return Done{};
  }

  void StartThreads() {
    const unsigned count = std::max(1U, std::thread::hardware_concurrency());
    for (unsigned i = 0; i < count; ++i) {
      threads_.emplace_back([this] { io_.run(); });
    }
    asio::co_spawn(io_, FollowKeySchedule(), [](const std::exception_ptr& failure) {
      if (failure) {
        std::rethrow_exception(failure);
      }
    });
  }

  // Wakes often rather than once per period, so that a clock that is set is followed too.
  Task<void> FollowKeySchedule() {
    for (unsigned turn = 1; !stopped_; ++turn) {
      hub_.RefreshKeys();
      if (turn % kTurnsBetweenTrims == 0) {
        ::malloc_trim(0);
      }
      schedule_timer_.expires_after(kKeyScheduleInterval);
      co_await schedule_timer_.async_wait(kUseTask);
    }
  }

  void StopTokens() {
    if (!tokens_) {
      return;
    }
    std::promise<void> done;
    asio::co_spawn(
        io_, tokens_->Stop(), [&done](const std::exception_ptr&, Done) { done.set_value(); });
    done.get_future().wait();
  }

  void StopThreads() {
    io_.stop();
    for (std::thread& thread : threads_) {
      thread.join();
    }
    threads_.clear();
  }

  void NoteKeys(const callers::KeyRefresh& refresh) {
    request_metrics_.KeysRefreshed(refresh);
    if (!refresh.ok) {
      log_.Warning("could not refresh issuer keys; keeping the current ones",
                   {{"issuer", refresh.issuer}, {"error", refresh.message}});
    }
  }

  const Options options_;
  log::Logger& log_;
  const SystemClock clock_;
  const WallTime started_at_;

  std::shared_ptr<prometheus::Registry> registry_ = std::make_shared<prometheus::Registry>();
  std::shared_ptr<metrics::ProcessMetrics> process_metrics_;
  RequestMetrics request_metrics_;
  RecentFailures failures_;

  secrets::FileSecretStore secrets_;
  connectors::Catalog catalog_;
  std::unique_ptr<connectors::CatalogPublisher> publisher_;
  std::unique_ptr<connectors::DirectorySource> source_;
  api::WatchHub hub_;

  // Below here, what runs on io_ is destroyed before it.
  asio::io_context io_;
  asio::executor_work_guard<Executor> work_{io_.get_executor()};
  asio::basic_waitable_timer<std::chrono::steady_clock,
                             asio::wait_traits<std::chrono::steady_clock>,
                             Executor>
      schedule_timer_;
  std::unique_ptr<secrets::VaultService> vault_;
  std::unique_ptr<kube::MeteredClient> kube_;  // Whoever asks the Kubernetes API asks through this.
  std::unique_ptr<ClusterService> cluster_;    // Null with a directory.
  std::unique_ptr<AccessService> access_;
  std::shared_ptr<prometheus::Collectable> access_metrics_;
  std::unique_ptr<secrets::RoutingSecretStore> stores_;
  curl::CurlClient mint_client_;
  curl::CurlClient identity_client_;
  std::unique_ptr<callers::CallerVerifier> verifier_;
  std::unique_ptr<audit::FileAuditLog> audit_;
  std::shared_ptr<StateMetrics> state_metrics_;
  std::unique_ptr<upstream_auth::MintingTokenSource> tokens_;
  std::unique_ptr<health_check::Prober> prober_;
  std::unique_ptr<api::IssueTokenHandler> issue_;
  std::unique_ptr<api::OperatorHandler> operators_;
  std::unique_ptr<admin::AdminServer> admin_;
  std::unique_ptr<api::BrokerEndpoint> endpoint_;
  std::vector<std::thread> threads_;
  std::atomic<bool> open_ = false;  // Resources were read.
  std::atomic<bool> serving_ = false;
  std::atomic<bool> stopped_ = false;
  std::atomic<bool> following_ = false;
};

Broker::Broker(Options options, log::Logger& logger)
    : impl_(std::make_unique<Impl>(std::move(options), logger)) {}

Broker::~Broker() = default;

Result<Done> Broker::Start() {
  return impl_->Start();
}

void Broker::Stop() {
  impl_->Stop();
}

std::uint16_t Broker::port() const {
  return impl_->port();
}

std::uint16_t Broker::admin_port() const {
  return impl_->admin_port();
}

}  // namespace connector::broker::app
