#pragma once

// OperatorHandler: ExplainAccess (what IssueToken would decide, and why) and CheckConnector. Issues
// nothing and writes no audit record; each call is logged. Without sockets.

#include "broker/authorization/access_reviewer.h"
#include "broker/callers/caller_verifier.h"
#include "broker/connectors/catalog.h"
#include "broker/deny_list/active_deny_list.h"
#include "common/async/task.h"
#include "common/base/connector_ref.h"
#include "common/base/result.h"

#include "proto/connector/broker/v1/broker.pb.h"

#include <functional>
#include <memory>
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
};

// Thread-safe.
class OperatorHandler {
 public:
  explicit OperatorHandler(OperatorParts parts) : parts_(std::move(parts)) {}

  // Reads `request` before it returns. Fails with kInvalidArgument only: a caller that is not
  // verified and a connector that does not exist are answers.
  [[nodiscard]] Task<Result<v1::ExplainAccessResponse>> Explain(
      const v1::ExplainAccessRequest& request, std::string peer, Deadline deadline);

  // Fails with kNotFound when there is no such connector.
  [[nodiscard]] Task<Result<v1::CheckConnectorResponse>> Check(
      const v1::CheckConnectorRequest& request, std::string peer, Deadline deadline);

 private:
  struct ExplainCall;
  [[nodiscard]] Task<Result<v1::ExplainAccessResponse>> RunExplain(
      std::shared_ptr<const ExplainCall> call);
  [[nodiscard]] Task<Result<v1::CheckConnectorResponse>> RunCheck(ConnectorRef ref,
                                                                  std::string peer,
                                                                  Deadline deadline);

  OperatorParts parts_;
};

}  // namespace connector::broker::api
