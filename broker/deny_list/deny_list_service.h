#pragma once

// DenyListService: the deny list as a part of the broker. Reads it where it stands, puts it in
// force, ends entries whose time is over, and records every change and the calls of denied peers.
//
// A list that cannot be read changes nothing: the last good one stays in force, and the broker is
// degraded. Before the first good one the broker answers no calls, because whoever configured a
// list must not run without it.

#include "broker/audit/audit_log.h"
#include "broker/deny_list/active_deny_list.h"
#include "broker/deny_list/deny_list_options.h"
#include "broker/deny_list/deny_list_origin.h"
#include "broker/root_key/active_root_keys.h"
#include "common/base/clock.h"
#include "common/base/polling_thread.h"
#include "common/kube/api_client.h"
#include "common/log/log.h"
#include "common/program/component.h"

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace connector::broker::deny_list {

inline constexpr std::chrono::milliseconds kPollInterval{100};
inline constexpr std::size_t kEntriesPerRecord = 8;
// A denied peer that goes on calling costs one record in each of these.
inline constexpr std::chrono::seconds kPeerRecordInterval{60};

class DenyListService final : public program::Component {
 public:
  // All outlive the service.
  struct Parts {
    ActiveDenyList& active;
    audit::AuditLog& audit;
    const Clock& clock;
    Executor executor;
    log::Logger& logger;
    const root_key::ActiveRootKeys& root_keys;
    std::function<void()> when_read = {};          // Once: the first list is in force.
    std::chrono::milliseconds max_silence{60000};  // When the broker stops to grant.
  };

  DenyListService(std::unique_ptr<DenyListOrigin> origin, Parts parts);
  ~DenyListService() override;
  DenyListService(const DenyListService&) = delete;
  DenyListService& operator=(const DenyListService&) = delete;

  // For how long changes of the list cannot be seen, as when a file system hangs. Thread-safe.
  [[nodiscard]] std::chrono::steady_clock::duration Silence() const;

  [[nodiscard]] Result<Done> Start() override;
  void Stop(Deadline deadline) override;
  [[nodiscard]] std::vector<prometheus::MetricFamily> Metrics() const override;
  void AddReadiness(admin::Readiness& readiness) const override;
  void AddStatus(admin::StatusReport& status) const override;

 private:
  struct PeerRecord {
    std::uint64_t calls = 0;  // Not recorded yet.
    std::optional<WallTime> recorded_at = {};
  };

  void Look();
  void Take(const DenyListReading& reading);
  void Apply();
  void RecordChanges();
  void RecordRefusedPeers();
  [[nodiscard]] bool Append(auditlog::Event event);

  const std::unique_ptr<DenyListOrigin> origin_;
  const Parts parts_;

  // Of Start, and then of the thread.
  std::vector<DeniedEntry> entries_;
  std::vector<DeniedEntry> recorded_;  // What the audit says is in force.
  root_key::RootKeysPtr used_keys_;    // Of the list in force.
  std::map<std::string, PeerRecord> peers_;

  std::atomic<std::chrono::steady_clock::time_point> looked_at_ = std::chrono::steady_clock::now();

  mutable std::mutex mutex_;  // Guards the next four.
  bool read_ = false;         // A list is in force.
  std::string problem_;       // Why the last reading could not be used; empty when it could.
  std::string revision_;
  WallTime changed_at_ = {};
  PollingThread thread_;
};

// Null where the configuration names no deny list. `client` is needed for a ConfigMap.
[[nodiscard]] std::unique_ptr<DenyListService> MakeDenyListService(
    const std::optional<DenyListOptions>& options,
    kube::ApiClient* client,
    const DenyListService::Parts& parts);

}  // namespace connector::broker::deny_list
