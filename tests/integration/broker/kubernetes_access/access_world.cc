#include "tests/integration/broker/kubernetes_access/access_world.h"

#include <utility>

namespace connector::broker {
namespace {

namespace json = boost::json;

constexpr std::chrono::seconds kPatience{30};
constexpr const char* kBrokerNamespace = "oci-connector";

// A token of the broker's own ServiceAccount, which may do what the chart lets it.
std::string BrokerToken(testing_support::KubeServer& server) {
  static std::map<testing_support::KubeServer*, std::string> made;
  std::string& token = made[&server];
  if (token.empty()) {
    server.Must("POST",
                "/api/v1/namespaces",
                json::serialize(json::object{{"metadata", {{"name", kBrokerNamespace}}}}));
    server.NewServiceAccount(kBrokerNamespace, "broker");
    const json::value rules = {{{"apiGroups", {"authentication.k8s.io"}},
                                {"resources", {"tokenreviews"}},
                                {"verbs", {"create"}}},
                               {{"apiGroups", {"authorization.k8s.io"}},
                                {"resources", {"subjectaccessreviews"}},
                                {"verbs", {"create"}}}};
    server.Grant(kBrokerNamespace, "broker", "broker", rules.as_array(), true);
    token = server.Token(kBrokerNamespace, "broker", {.audience = "", .seconds = 3600});
  }
  return token;
}

}  // namespace

callers::CallersOptions AccessWorld::Defaults() {
  callers::CallersOptions options;
  options.kubernetes.emplace();
  options.kubernetes->max_reviews_per_second = 5000;
  return options;
}

AccessWorld::AccessWorld(callers::CallersOptions options, testing_support::KubeServer& server)
    : server_(server), options_(std::move(options)) {
  tokens_.SetNotAfter(clock_.Now() + std::chrono::hours(1));
  kube::ApiClientParts parts;
  parts.logger = &log_;
  parts.random = [] { return 0.5; };
  parts.observe = [this](const kube::ApiRequestReport& exchange) {
    const std::lock_guard lock(mutex_);
    ++asked_[exchange.resource];
  };
  parts.user_agent = "test";
  client_ =
      std::make_unique<kube::ApiClient>(server_.Settings(BrokerToken(server_)), std::move(parts));
  access_ = std::make_unique<callers::KubernetesCallers>(
      options_,
      true,
      callers::KubernetesCallers::Parts{
          client_.get(), clock_, io_.get_executor(), log_, registry_, {}});
  reviewer_ = authorization::MakeAccessReviewer(true, access_.get(), clock_);
  callers::VerifierParts verifying;
  verifying.client = &fetches_;
  verifying.clock = &clock_;
  verifying.kubernetes = access_.get();
  verifier_ = std::move(*callers::MakeCallerVerifier(options_, std::move(verifying)));
  issue_ =
      std::make_unique<api::IssueTokenHandler>(api::IssueTokenParts{&catalog_,
                                                                    verifier_.get(),
                                                                    &tokens_,
                                                                    &audit_,
                                                                    &clock_,
                                                                    &log_,
                                                                    [](const api::IssueOutcome&) {},
                                                                    reviewer_.get()});
  operators_ = std::make_unique<api::OperatorHandler>(
      api::OperatorParts{&catalog_, verifier_.get(), {}, &log_, reviewer_.get()});
  for (int i = 0; i < 2; ++i) {
    threads_.emplace_back([this] { io_.run(); });
  }
  EXPECT_TRUE(access_->Start());
}

AccessWorld::~AccessWorld() {
  client_->Shutdown();
  access_->Stop(std::chrono::steady_clock::now() + kPatience);
  io_.stop();
  for (std::thread& thread : threads_) {
    thread.join();
  }
}

Result<callers::Caller> AccessWorld::Verify(const std::string& token) {
  const callers::UnverifiedToken unverified{Secret(token)};
  return Spawn(verifier_->Verify(unverified, std::chrono::steady_clock::now() + kPatience)).get();
}

std::future<v1::IssueTokenResponse> AccessWorld::Start(const std::string& token,
                                                       const ConnectorRef& connector,
                                                       const std::vector<v1::Action>& actions) {
  v1::IssueTokenRequest request;
  request.mutable_connector()->set_namespace_(connector.ns);
  request.mutable_connector()->set_name(connector.name);
  request.set_caller_token(token);
  v1::Scope& scope = *request.add_scopes();
  scope.set_repository("team-a/app");
  for (const v1::Action action : actions) {
    scope.add_actions(action);
  }
  return Spawn(issue_->Handle(request, "dataplane", std::chrono::steady_clock::now() + kPatience));
}

v1::IssueTokenResponse AccessWorld::Issue(const std::string& token,
                                          const ConnectorRef& connector,
                                          const std::vector<v1::Action>& actions) {
  return Start(token, connector, actions).get();
}

v1::ExplainAccessResponse AccessWorld::Explain(const std::string& token,
                                               const ConnectorRef& connector) {
  v1::ExplainAccessRequest request;
  request.mutable_connector()->set_namespace_(connector.ns);
  request.mutable_connector()->set_name(connector.name);
  request.set_caller_token(token);
  return *Spawn(operators_->Explain(
                    request, "operator", std::chrono::steady_clock::now() + kPatience))
              .get();
}

void AccessWorld::Publish(const std::string& ns,
                          const std::vector<std::pair<std::string, std::string>>& accounts,
                          const std::string& name) {
  resource::Connector connector = api::HarborConnector(ns, name, accounts);
  if (accounts.empty()) {
    connector.access.clear();
  }
  entries_[connector.ref] = api::EntryOf(connector);
  std::vector<std::shared_ptr<const connectors::CatalogEntry>> all;
  for (const auto& [ref, entry] : entries_) {
    all.push_back(entry);
  }
  catalog_.Replace(api::SnapshotOf(all));
}

void AccessWorld::LetUse(const std::string& ns,
                         const std::string& account,
                         const std::vector<std::string>& verbs,
                         const std::string& role) {
  const json::value rules = {{{"apiGroups", {"oci-connector.dev"}},
                              {"resources", {"connectors/proxy"}},
                              {"verbs", json::value_from(verbs)}}};
  server_.Grant(ns, account, role, rules.as_array());
}

int AccessWorld::asked(const std::string& resource) {
  const std::lock_guard lock(mutex_);
  return asked_[resource];
}

}  // namespace connector::broker
