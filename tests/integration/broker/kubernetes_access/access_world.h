#pragma once

// The broker's own wiring of callers and access against a real API server, with the rights that the
// broker has in a cluster and no others. Time goes on as it does, and further when a test says so.

#include "broker/api/issue_token_handler.h"
#include "broker/api/operator_handler.h"
#include "broker/authorization/make_access_reviewer.h"
#include "broker/callers/caller_verifiers.h"
#include "common/log/log.h"
#include "tests/support/cpp/fake_audit_log.h"
#include "tests/support/cpp/kube_server.h"
#include "tests/unit/broker/api/fakes.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace connector::broker {

class MovableClock final : public Clock {
 public:
  [[nodiscard]] WallTime Now() const override {
    return std::chrono::system_clock::now() + std::chrono::milliseconds(ahead_ms_.load());
  }
  void Advance(std::chrono::milliseconds by) { ahead_ms_ += by.count(); }

 private:
  std::atomic<std::int64_t> ahead_ms_{0};
};

class AccessWorld {
 public:
  explicit AccessWorld(callers::CallersOptions options,
                       testing_support::KubeServer& server = testing_support::KubeServer::Shared());
  ~AccessWorld();
  AccessWorld(const AccessWorld&) = delete;
  AccessWorld& operator=(const AccessWorld&) = delete;

  // The usual options: TokenReview, RBAC, no limit that a test would notice.
  [[nodiscard]] static callers::CallersOptions Defaults();

  [[nodiscard]] Result<callers::Caller> Verify(const std::string& token);
  // A pull of team-a/app through `connector`, or what `actions` say.
  [[nodiscard]] v1::IssueTokenResponse Issue(const std::string& token,
                                             const ConnectorRef& connector,
                                             const std::vector<v1::Action>& actions = {
                                                 v1::ACTION_PULL});
  // The same, not waited for.
  [[nodiscard]] std::future<v1::IssueTokenResponse> Start(const std::string& token,
                                                          const ConnectorRef& connector,
                                                          const std::vector<v1::Action>& actions = {
                                                              v1::ACTION_PULL});
  [[nodiscard]] v1::ExplainAccessResponse Explain(const std::string& token,
                                                  const ConnectorRef& connector);
  // Connector `ns`/`name`; no `accounts`: without access rules.
  void Publish(const std::string& ns,
               const std::vector<std::pair<std::string, std::string>>& accounts = {},
               const std::string& name = "harbor");
  // Lets `account` of `ns` use the Connectors of `ns` (RoleBinding `role`), by these verbs.
  void LetUse(const std::string& ns,
              const std::string& account,
              const std::vector<std::string>& verbs = {"get"},
              const std::string& role = "use");

  // How many requests of this kind ("tokenreviews") the API server has answered.
  [[nodiscard]] int asked(const std::string& resource);

  [[nodiscard]] testing_support::KubeServer& server() { return server_; }
  [[nodiscard]] MovableClock& clock() { return clock_; }
  [[nodiscard]] callers::KubernetesCallers& access() { return *access_; }
  [[nodiscard]] testing_support::FakeAuditLog& audit() { return audit_; }

 private:
  template <typename T>
  std::future<T> Spawn(Task<T> task) {
    auto promise = std::make_shared<std::promise<T>>();
    std::future<T> future = promise->get_future();
    asio::co_spawn(io_, std::move(task), [promise](const std::exception_ptr& failure, T value) {
      if (failure) {
        promise->set_exception(failure);
      } else {
        promise->set_value(std::move(value));
      }
    });
    return future;
  }

  testing_support::KubeServer& server_;
  const callers::CallersOptions options_;
  MovableClock clock_;
  log::Logger log_{2, "test", log::Level::kError};
  prometheus::Registry registry_;
  connectors::Catalog catalog_;
  std::map<ConnectorRef, std::shared_ptr<const connectors::CatalogEntry>> entries_;
  testing_support::FakeAuditLog audit_;
  api::FakeTokens tokens_;
  std::mutex mutex_;
  std::map<std::string, int> asked_;

  asio::io_context io_;
  asio::executor_work_guard<Executor> work_{io_.get_executor()};
  curl::CurlClient fetches_;
  std::unique_ptr<kube::ApiClient> client_;
  std::unique_ptr<callers::KubernetesCallers> access_;
  std::unique_ptr<authorization::AccessReviewer> reviewer_;
  std::unique_ptr<callers::CallerVerifier> verifier_;
  std::unique_ptr<api::IssueTokenHandler> issue_;
  std::unique_ptr<api::OperatorHandler> operators_;
  std::vector<std::thread> threads_;
};

}  // namespace connector::broker
