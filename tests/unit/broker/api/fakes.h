#pragma once

// Stand-ins for what the RPC handlers call, and a connector to call them about.

#include "broker/callers/caller_verifier.h"
#include "broker/connectors/catalog.h"
#include "broker/upstream_auth/token_source.h"
#include "common/base/clock.h"

#include "proto/connector/broker/v1/broker.pb.h"

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace connector::broker::api {

inline callers::Caller ServiceAccountCaller(const std::string& ns,
                                            const std::string& name,
                                            WallTime expires_at) {
  callers::Caller caller;
  caller.issuer = "https://issuer.example";
  caller.subject = "system:serviceaccount:" + ns + ":" + name;
  caller.service_account = callers::ServiceAccount{ns, name};
  caller.expires_at = expires_at;
  return caller;
}

// For IssueToken or ExplainAccess: the builder asks to pull from `default/harbor`.
template <typename Request>
[[nodiscard]] Request PullRequest(const std::string& repository) {
  Request request;
  request.mutable_connector()->set_namespace_("default");
  request.mutable_connector()->set_name("harbor");
  request.set_caller_token("builder-token");
  auto& scope = *request.add_scopes();
  scope.set_repository(repository);
  scope.add_actions(v1::ACTION_PULL);
  return request;
}

// Knows tokens by their text. Every other is refused with the error it was told to give.
class FakeVerifier final : public callers::CallerVerifier {
 public:
  void Accept(const std::string& token, callers::Caller caller) {
    callers_[token] = std::move(caller);
  }
  void FailWith(Error error) { error_ = std::move(error); }

  Task<Result<callers::Caller>> Verify(const callers::UnverifiedToken& token,
                                       Deadline /*deadline*/) override {
    const auto found = callers_.find(std::string(token.UncheckedBytes().Reveal()));
    if (found == callers_.end()) {
      co_return error_;
    }
    co_return found->second;
  }

 private:
  std::map<std::string, callers::Caller> callers_;
  Error error_ = MakeError(ErrorCode::kUnauthenticated, ErrorOrigin::kClient, "signature is wrong");
};

// Mints "upstream-token" or fails; counts. Thread-safe.
class FakeTokens final : public upstream_auth::TokenSource {
 public:
  Task<Result<std::shared_ptr<const upstream_auth::UpstreamToken>>> Get(
      std::shared_ptr<const connectors::CatalogEntry> entry,
      std::vector<oci::Scope> scopes,
      std::string subject,
      Deadline /*deadline*/) override {
    std::function<void()> hook;
    Result<std::shared_ptr<const upstream_auth::UpstreamToken>> result;
    {
      const std::lock_guard lock(mutex_);
      calls_.push_back(entry->epoch + " " + (scopes.empty() ? "" : scopes.front().ToString()));
      last_subject_ = std::move(subject);
      hook = during_get_;
      if (error_) {
        result = *error_;
      } else {
        auto token = std::make_shared<upstream_auth::UpstreamToken>();
        token->scheme = upstream_auth::CredentialScheme::kBearer;
        token->value = Secret("upstream-token");
        token->not_after = not_after_;
        result = std::shared_ptr<const upstream_auth::UpstreamToken>(std::move(token));
      }
    }
    if (hook) {
      hook();
    }
    co_return result;
  }
  void Forget(const connectors::CatalogEntry& entry,
              const std::vector<oci::Scope>& scopes) override {
    const std::lock_guard lock(mutex_);
    forgotten_.push_back(entry.connector->ref.ToString() + " " + scopes.front().ToString());
  }

  void FailWith(Error error) { error_ = std::move(error); }
  void SetNotAfter(WallTime not_after) { not_after_ = not_after; }
  void DuringGet(std::function<void()> hook) { during_get_ = std::move(hook); }
  [[nodiscard]] std::size_t calls() const {
    const std::lock_guard lock(mutex_);
    return calls_.size();
  }
  [[nodiscard]] std::vector<std::string> forgotten() const { return forgotten_; }
  [[nodiscard]] std::string last_subject() const { return last_subject_; }

 private:
  mutable std::mutex mutex_;
  std::optional<Error> error_;
  WallTime not_after_;
  std::string last_subject_;
  std::function<void()> during_get_;
  std::vector<std::string> calls_;
  std::vector<std::string> forgotten_;
};

// Connector `ns`/`name` at harbor.example.com that lets `accounts` (namespace, name) pull and push
// in team-a/**.
inline resource::Connector HarborConnector(
    const std::string& ns,
    const std::string& name,
    const std::vector<std::pair<std::string, std::string>>& accounts) {
  resource::Connector connector;
  connector.ref = {ns, name};
  connector.class_name = "oci";
  connector.address = {true, "harbor.example.com", 443};
  connector.auth.kind = resource::AuthKind::kTokenAuth;
  connector.auth.secret_name = "harbor-robot";
  resource::AccessRule rule;
  for (const auto& [account_ns, account] : accounts) {
    rule.from.emplace_back(resource::ServiceAccountMatch{account_ns, account});
  }
  rule.repositories = {"team-a/**"};
  rule.actions = {oci::Action::kPull, oci::Action::kPush};
  connector.access.push_back(std::move(rule));
  return connector;
}

inline std::shared_ptr<const connectors::CatalogEntry> EntryOf(
    resource::Connector connector,
    const std::string& secret_version = "v1",
    resource::CaBundle ca = {},
    const std::optional<root_key::RootKeys>& root_keys = {}) {
  return connectors::MakeCatalogEntry(
      std::make_shared<const resource::Connector>(std::move(connector)),
      std::move(ca),
      secret_version,
      "",
      {},
      root_keys ? std::make_shared<const connectors::EpochKeys>(*root_keys, Secret("version key"))
                : nullptr);
}

inline std::shared_ptr<const connectors::CatalogSnapshot> SnapshotOf(
    const std::vector<std::shared_ptr<const connectors::CatalogEntry>>& entries) {
  auto snapshot = std::make_shared<connectors::CatalogSnapshot>();
  for (const auto& entry : entries) {
    snapshot->entries[entry->connector->ref] = entry;
  }
  return snapshot;
}

}  // namespace connector::broker::api
