#include "broker/app/wiring.h"

#include "broker/api/api_server.h"
#include "broker/api/listener_metrics.h"
#include "broker/api/probe_connector.h"
#include "broker/app/status.h"
#include "broker/audit/file_audit_log.h"
#include "broker/audit_export/audit_exports.h"
#include "broker/authorization/make_access_reviewer.h"
#include "broker/callers/caller_verifiers.h"
#include "broker/connectors/catalog_service.h"
#include "broker/connectors/make_resource_source.h"
#include "broker/deny_list/deny_list_service.h"
#include "broker/health_check/prober.h"
#include "broker/listener_authority/listener_authority.h"
#include "broker/root_key/root_key_service.h"
#include "broker/secrets/file/file_store.h"
#include "broker/secrets/routing_secret_store.h"
#include "broker/secrets/vault/vault_service.h"
#include "broker/secrets/version_digest.h"
#include "broker/upstream_auth/upstream_auth_service.h"
#include "common/base/version.h"
#include "common/kube/metered_client.h"
#include "common/program/runtime.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <utility>

namespace connector::broker::app {
namespace {

program::RuntimeOptions RuntimeOptionsOf(const BrokerOptions& options) {
  return {.program = "broker",
          .admin_address = options.admin_address,
          .threads = std::max(1U, std::thread::hardware_concurrency()),
          .stop_timeout = kDrainTimeout};
}

}  // namespace

// Members are in the order of construction: each uses those above it. What the configuration does
// not ask for is null, and left out of the list of components.
class Broker::Impl {
 public:
  Impl(BrokerOptions options, log::Logger& logger)
      : options_(std::move(options)), runtime_(RuntimeOptionsOf(options_), logger) {}

  ~Impl() { Stop(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Result<Done> Start() {
    for (const auto step : {&Impl::BuildSources,
                            &Impl::BuildDecisions,
                            &Impl::BuildListenerAuthority,
                            &Impl::BuildApi,
                            &Impl::StartComponents}) {
      const Result<Done> done = (this->*step)();
      if (!done) {
        return done;
      }
    }
    runtime_.logger().Info("started",
                           {{"version", kVersion},
                            {"port", server_->port()},
                            {"admin_port", runtime_.admin_port()},
                            {"connectors", catalog_.Current()->entries.size()},
                            {"audit_head", audit_->Status().head.seq}});
    return Done{};
  }

  void Stop() { runtime_.Stop(); }

  [[nodiscard]] std::uint16_t port() const { return server_ ? server_->port() : std::uint16_t{0}; }
  [[nodiscard]] std::uint16_t admin_port() const { return runtime_.admin_port(); }

 private:
  // Where Connectors and their secrets come from.
  Result<Done> BuildSources() {
    kube_ = kube::MakeMeteredClient(options_.kubernetes,
                                    {"broker", runtime_.logger(), runtime_.registry()});
    vault_ = secrets::MakeVaultService(options_.vault,
                                       {version_key_.Reveal(),
                                        runtime_.clock(),
                                        runtime_.executor(),
                                        runtime_.logger(),
                                        runtime_.registry(),
                                        [this] { publisher_->Refresh(); }});
    source_ = connectors::MakeResourceSource(options_.resource_directory,
                                             {secrets_,
                                              kube_.get(),
                                              version_key_.Reveal(),
                                              runtime_.clock(),
                                              runtime_.executor(),
                                              runtime_.logger(),
                                              runtime_.registry(),
                                              catalog_,
                                              options_.max_silence});
    stores_ = std::make_unique<secrets::RoutingSecretStore>(source_->store(),
                                                            secrets::VaultStoreOf(vault_.get()));
    publisher_ = std::make_unique<connectors::CatalogPublisher>(
        connectors::CatalogPublisher::Targets{
            secrets_, catalog_, runtime_.registry(), options_.upstream_policy},
        connectors::CredentialViews{secrets::VaultViewOf(vault_.get()), source_->View()});
    UseEpochKeys();
    catalog_service_ =
        std::make_unique<connectors::CatalogService>(catalog_, *publisher_, runtime_.logger());
    return source_->PublishTo(*publisher_, [this] { PartRead(); });
  }

  // Calls are answered from when the Connectors were read, and the deny list where there is one.
  void PartRead() {
    if (--unread_parts_ == 0) {
      server_->ResourcesRead();
    }
  }

  // For how long changes of what decisions are made by cannot be seen.
  [[nodiscard]] std::chrono::steady_clock::duration Silence() const {
    return deny_list_service_ ? std::max(source_->Silence(), deny_list_service_->Silence())
                              : source_->Silence();
  }

  // Who the caller is, what it may do, which token it gets, and the record of it.
  Result<Done> BuildDecisions() {
    audit_exports_ = std::make_unique<audit_export::AuditExports>(
        options_.audit_exports,
        audit_export::AuditExportParts{
            options_.audit.directory,
            options_.audit.replica,
            {[this] { return audit_->Status().head.seq; }, [this] { return audit_->HeadLine(); }},
            runtime_.executor(),
            runtime_.logger()});
    auto audit =
        audit::FileAuditLog::Open(audit::FileAuditLogOptionsOf(options_.audit,
                                                               {*root_keys_.Current(),
                                                                runtime_.clock(),
                                                                runtime_.logger(),
                                                                runtime_.registry(),
                                                                audit_exports_->progress()}));
    if (!audit) {
      return audit.error();
    }
    audit_ = std::move(*audit);
    deny_list_service_ = deny_list::MakeDenyListService(options_.deny_list,
                                                        kube::ClientOf(kube_.get()),
                                                        {deny_list_,
                                                         *audit_,
                                                         runtime_.clock(),
                                                         runtime_.executor(),
                                                         runtime_.logger(),
                                                         root_keys_,
                                                         [this] { PartRead(); },
                                                         options_.max_silence});
    deny_list_.OnReplace(
        [this](const deny_list::ActiveDenyList::ListPtr& list) { hub_.TakeDenyList(list); });
    kubernetes_callers_ = callers::MakeKubernetesCallers(
        options_.callers,
        options_.rbac,
        {kube::ClientOf(kube_.get()),
         runtime_.clock(),
         runtime_.executor(),
         runtime_.logger(),
         runtime_.registry(),
         callers::ObserveKeyRefreshes(caller_metrics_, runtime_.logger())});
    auto callers = callers::CallerService::Make(
        options_.callers,
        {runtime_.clock(), runtime_.logger(), caller_metrics_, kubernetes_callers_.get()});
    if (!callers) {
      return callers.error();
    }
    callers_ = std::move(*callers);
    reviewer_ = authorization::MakeAccessReviewer(
        options_.rbac, kubernetes_callers_.get(), runtime_.clock());
    upstream_auth_ = std::make_unique<upstream_auth::UpstreamAuthService>(
        upstream_auth::UpstreamAuthService::Parts{*stores_,
                                                  runtime_.clock(),
                                                  runtime_.executor(),
                                                  runtime_.registry(),
                                                  runtime_.logger()});
    return Done{};
  }

  // Certificates for data planes, where they are configured.
  Result<Done> BuildListenerAuthority() {
    if (!options_.listener_authority) {
      return Done{};
    }
    auto authority = listener_authority::ListenerAuthority::Make(
        *root_keys_.Current(), options_.listener_authority->certified_suffixes);
    if (!authority) {
      return authority.error();
    }
    listener_metrics_ =
        std::make_unique<api::ListenerMetrics>(runtime_.registry(), (*authority)->not_after());
    listeners_ = std::make_unique<api::ListenerCertificateHandler>(api::ListenerCertificateParts{
        std::move(*authority),
        *options_.listener_authority,
        &catalog_,
        audit_.get(),
        &runtime_.clock(),
        &runtime_.logger(),
        [this](api::CertificateOutcome outcome) { listener_metrics_->Asked(outcome); }});
    return Done{};
  }

  void UseEpochKeys() {
    publisher_->UseEpochKeys(
        std::make_shared<const connectors::EpochKeys>(*root_keys_.Current(), version_key_));
  }

  // Sealing keys and the deny list's version are derived anew when they are asked for.
  void RootKeysChanged(const root_key::RootKeys& keys) {
    audit_->UseKeys(audit::ChainKeysOf(keys));
    UseEpochKeys();
    if (!listeners_) {
      return;
    }
    auto authority = listener_authority::ListenerAuthority::Make(
        keys, options_.listener_authority->certified_suffixes);
    if (authority) {
      listeners_->UseAuthority(std::move(*authority));
    } else {
      runtime_.logger().Error("no listener authority of the new root key; that of before stays",
                              {{"error", authority.error().message}});
    }
  }

  // What data planes and operators call.
  Result<Done> BuildApi() {
    prober_ = health_check::MakeProber(*stores_,
                                       upstream_auth_->tokens(),
                                       upstream_auth_->client(),
                                       secrets::VaultLoginCheckOf(vault_.get()));
    issue_ = std::make_unique<api::IssueTokenHandler>(
        api::IssueTokenParts{&catalog_,
                             &callers_->verifier(),
                             &upstream_auth_->tokens(),
                             audit_.get(),
                             &runtime_.clock(),
                             &runtime_.logger(),
                             [this](const api::IssueOutcome& outcome) {
                               issue_metrics_.Issued(outcome);
                               issue_failures_.Note(outcome, runtime_.clock().Now());
                             },
                             reviewer_.get(),
                             &deny_list_});
    operators_ = std::make_unique<api::OperatorHandler>(api::OperatorParts{&catalog_,
                                                                           &callers_->verifier(),
                                                                           api::ProbeWith(*prober_),
                                                                           &runtime_.logger(),
                                                                           reviewer_.get(),
                                                                           &deny_list_,
                                                                           audit_.get(),
                                                                           &runtime_.clock()});
    server_ = std::make_unique<api::ApiServer>(
        api::EndpointOptions{.listen_address = options_.listen_address,
                             .tls = options_.tls,
                             .peers = options_.peers},
        api::EndpointParts{.io = &runtime_.io(),
                           .issue = issue_.get(),
                           .operators = operators_.get(),
                           .watch = &hub_,
                           .sealing_keys = &sealing_keys_,
                           .log = &runtime_.logger(),
                           .listeners = listeners_.get(),
                           .deny_list = &deny_list_},
        api::ResourceWatch{[this] { return Silence(); }, options_.max_silence});
    if (!options_.root_key_file.empty()) {
      root_key_service_ = std::make_unique<root_key::RootKeyService>(
          options_.root_key_file,
          root_key::RootKeyService::Parts{
              root_keys_, runtime_.logger(), [this](const root_key::RootKeysPtr& keys) {
                RootKeysChanged(*keys);
              }});
    }
    status_ = std::make_unique<BrokerStatus>(
        BrokerStatus::Sources{catalog_, *publisher_, hub_, issue_metrics_, issue_failures_});
    return Done{};
  }

  // In this order they start and stand on the status page; they stop in the reverse order: nothing
  // follows any more, no call comes any more, and what was decided is recorded.
  Result<Done> StartComponents() {
    return runtime_.Start({audit_exports_.get(),
                           audit_.get(),
                           vault_.get(),
                           status_.get(),
                           upstream_auth_.get(),
                           callers_.get(),
                           kubernetes_callers_.get(),
                           kube_.get(),
                           catalog_service_.get(),
                           server_.get(),
                           deny_list_service_.get(),
                           source_.get(),
                           root_key_service_.get()});
  }

  const BrokerOptions options_;
  program::Runtime runtime_;

  api::IssueMetrics issue_metrics_{runtime_.registry()};
  api::IssueFailures issue_failures_;
  callers::CallerMetrics caller_metrics_{runtime_.registry()};
  root_key::ActiveRootKeys root_keys_{options_.root_keys};
  const Secret version_key_ = secrets::MakeVersionKey();
  secrets::FileSecretStore secrets_{version_key_.Reveal()};
  connectors::Catalog catalog_;
  std::unique_ptr<connectors::CatalogPublisher> publisher_;
  deny_list::ActiveDenyList deny_list_;
  std::atomic<int> unread_parts_{options_.deny_list ? 2 : 1};
  api::WatchHub hub_{catalog_};
  const api::SealingKeySource sealing_keys_{root_keys_, runtime_.clock()};

  std::unique_ptr<kube::MeteredClient> kube_;  // Whoever asks the Kubernetes API asks through this.
  std::unique_ptr<secrets::VaultService> vault_;
  std::unique_ptr<connectors::ResourceSource> source_;
  std::unique_ptr<secrets::RoutingSecretStore> stores_;
  std::unique_ptr<connectors::CatalogService> catalog_service_;

  std::unique_ptr<audit::FileAuditLog> audit_;
  std::unique_ptr<audit_export::AuditExports> audit_exports_;  // Asks the log.
  std::unique_ptr<deny_list::DenyListService> deny_list_service_;
  std::unique_ptr<callers::KubernetesCallers> kubernetes_callers_;
  std::unique_ptr<callers::CallerService> callers_;
  std::unique_ptr<authorization::AccessReviewer> reviewer_;
  std::unique_ptr<upstream_auth::UpstreamAuthService> upstream_auth_;

  std::unique_ptr<api::ListenerMetrics> listener_metrics_;
  std::unique_ptr<api::ListenerCertificateHandler> listeners_;

  std::unique_ptr<health_check::Prober> prober_;
  std::unique_ptr<api::IssueTokenHandler> issue_;
  std::unique_ptr<api::OperatorHandler> operators_;
  std::unique_ptr<api::ApiServer> server_;
  std::unique_ptr<BrokerStatus> status_;
  std::unique_ptr<root_key::RootKeyService> root_key_service_;
};

Broker::Broker(BrokerOptions options, log::Logger& logger)
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
