#pragma once

// OperatorHandler: ExplainAccess (what IssueToken would decide, and why) and CheckConnector. Issues
// nothing; each call is logged. A check uses the stored secret, and so is recorded before it does:
// once a minute for each peer and connector, since a controller checks all of them on a schedule.
// Without sockets.

#include "broker/audit/audit_log.h"
#include "broker/authorization/access_reviewer.h"
#include "broker/callers/caller_verifier.h"
#include "broker/connectors/catalog.h"
#include "broker/deny_list/active_deny_list.h"
#include "common/async/task.h"
#include "common/base/clock.h"
#include "common/base/connector_ref.h"
#include "common/base/result.h"

#include "proto/connector/broker/v1/broker.pb.h"

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace connector::log {
class Logger;
}  // namespace connector::log

namespace connector::broker::api {

// health_check::Prober as a function of the connector's entry.
using ProbeFunction = std::function<Task<v1::CheckConnectorResponse>(
    std::shared_ptr<const connectors::CatalogEntry> entry, Deadline deadline)>;

struct OperatorParts {
  const connectors::Catalog* catalog = nullptr;
  callers::CallerVerifier* verifier = nullptr;
  ProbeFunction probe;
  log::Logger* log = nullptr;
  authorization::AccessReviewer* access = nullptr;       // Null: the access rules alone.
  const deny_list::ActiveDenyList* deny_list = nullptr;  // Null: it denies nobody.
  audit::AuditLog* audit = nullptr;                      // This and the clock: for Check.
  const Clock* clock = nullptr;
};

inline constexpr std::chrono::minutes kCheckRecordPeriod{1};

// Thread-safe.
class OperatorHandler {
 public:
  explicit OperatorHandler(OperatorParts parts) : parts_(std::move(parts)) {}

  // Reads `request` before it returns. Fails with kInvalidArgument only: a caller that is not
  // verified and a connector that does not exist are answers.
  [[nodiscard]] Task<Result<v1::ExplainAccessResponse>> Explain(
      const v1::ExplainAccessRequest& request, std::string peer, Deadline deadline);

  // Fails with kNotFound when there is no such connector, and with kUnavailable when the check
  // cannot be recorded.
  [[nodiscard]] Task<Result<v1::CheckConnectorResponse>> Check(
      const v1::CheckConnectorRequest& request, std::string peer, Deadline deadline);

 private:
  struct ExplainCall;
  [[nodiscard]] Task<Result<v1::ExplainAccessResponse>> RunExplain(
      std::shared_ptr<const ExplainCall> call);
  [[nodiscard]] Task<Result<v1::CheckConnectorResponse>> RunCheck(ConnectorRef ref,
                                                                  std::string peer,
                                                                  Deadline deadline);

  using CheckKey = std::pair<std::string, ConnectorRef>;  // The peer, and what it checks.

  // Whether a record of the last minute says so.
  [[nodiscard]] bool IsRecorded(const CheckKey& key, WallTime now);
  [[nodiscard]] Task<Result<Done>> RecordCheck(std::string peer, ConnectorRef ref, bool found);

  OperatorParts parts_;
  std::mutex mutex_;
  std::map<CheckKey, WallTime> recorded_;  // Of connectors that exist; no older than two periods.
  WallTime swept_at_{};
};

}  // namespace connector::broker::api
