#pragma once

// What the admin port shows of a broker: the status page and why it is not ready. Never a secret,
// a token or a caller's name.

#include "broker/api/issue_token_handler.h"
#include "broker/api/watch_hub.h"
#include "broker/app/metrics.h"
#include "broker/audit/file_audit_log.h"
#include "broker/connectors/catalog.h"
#include "broker/secrets/kubernetes/kube_store.h"
#include "broker/secrets/vault/vault_store.h"
#include "common/admin/admin_server.h"
#include "common/admin/status_report.h"

#include <atomic>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace connector::broker::app {

// The last failures that are not the caller's doing, newest first; and of each connector that has
// not succeeded since, its last. Thread-safe.
class RecentFailures {
 public:
  static constexpr std::size_t kKept = admin::kMaxRecentErrors;

  void Note(const api::IssueOutcome& outcome, WallTime now);
  [[nodiscard]] std::vector<admin::RecentErrorEntry> List() const;
  [[nodiscard]] std::map<std::string, std::string> Failing() const;  // By connector.

 private:
  mutable std::mutex mutex_;
  std::deque<admin::RecentErrorEntry> errors_;
  std::map<std::string, std::string> failing_;
  std::atomic<bool> any_failing_ = false;  // Spares the usual case, a success, the lock.
};

struct StatusSources {
  const connectors::Catalog* catalog = nullptr;
  const audit::FileAuditLog* audit = nullptr;
  const api::WatchHub* hub = nullptr;
  const RequestMetrics* metrics = nullptr;
  const RecentFailures* failures = nullptr;
  const secrets::VaultSecretStore* vault = nullptr;  // Null where none is configured.
  const secrets::KubeSecretStore* secrets =
      nullptr;  // Of the Kubernetes API; null with a directory.
  std::string version;
  WallTime started_at;
};

// `serving` is false before the endpoint is open and after it began to stop. A Vault that is away
// degrades: what was granted goes on, and another broker would fare no better.
[[nodiscard]] admin::Readiness ReadinessOf(const audit::AuditStatus& audit,
                                           bool serving,
                                           const std::optional<secrets::VaultStatus>& vault);

[[nodiscard]] admin::StatusReport StatusOf(const StatusSources& sources,
                                           admin::Readiness readiness);

}  // namespace connector::broker::app
