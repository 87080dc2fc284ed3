#pragma once

// IssueTokenHandler: what IssueToken does, without sockets or a server. Decide verifies the caller,
// checks rules and RBAC, and mints. The answer leaves only after the audit record is on disk
// (docs/promises.md P2, P3 and P4).
//
// It does not know which peers may call: broker_service.h has checked that before.

#include "broker/api/issue_request.h"
#include "broker/audit/audit_log.h"
#include "broker/authorization/access_reviewer.h"
#include "broker/authorization/decision.h"
#include "broker/callers/caller_verifier.h"
#include "broker/connectors/catalog.h"
#include "broker/deny_list/active_deny_list.h"
#include "broker/upstream_auth/token_source.h"
#include "common/base/clock.h"

#include "proto/connector/broker/v1/broker.pb.h"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace connector::log {
class Logger;
}  // namespace connector::log

namespace connector::broker::api {

// How long a caller's right holds in a data plane without asking again (docs/promises.md P6).
inline constexpr std::chrono::seconds kAuthorizationLifetime{60};

// One decision, for metrics and the status page.
struct IssueOutcome {
  v1::DenialReason reason = v1::DENIAL_REASON_UNSPECIFIED;  // Unspecified: granted.
  std::string connector;  // "namespace/name" of one that exists; else empty.
  std::string message;    // The message for the client; empty when granted.
  std::chrono::steady_clock::duration took{};
};

struct IssueTokenParts {
  const connectors::Catalog* catalog = nullptr;
  callers::CallerVerifier* verifier = nullptr;
  upstream_auth::TokenSource* tokens = nullptr;
  audit::AuditLog* audit = nullptr;
  const Clock* clock = nullptr;
  log::Logger* log = nullptr;
  std::function<void(const IssueOutcome&)> observe = [](const IssueOutcome&) {};
  authorization::AccessReviewer* access = nullptr;  // Null: the access rules alone.
  deny_list::ActiveDenyList* deny_list = nullptr;   // Null: it denies nobody.
};

// Thread-safe: calls may overlap on any thread of the broker's executor.
class IssueTokenHandler {
 public:
  explicit IssueTokenHandler(IssueTokenParts parts) : parts_(std::move(parts)) {}

  // Reads `request` before it returns, never later. `peer` is the SAN of the data plane that asks.
  [[nodiscard]] Task<v1::IssueTokenResponse> Handle(const v1::IssueTokenRequest& request,
                                                    std::string peer,
                                                    Deadline deadline);

 private:
  // One call while it runs. Shared with no one else; a pointer keeps coroutine frames small.
  struct Call {
    IssueQuery query;
    callers::UnverifiedToken token;
    std::string peer;
    Deadline deadline;
    std::chrono::steady_clock::time_point start;
    // What is decided so far.
    std::optional<callers::Caller> caller;
    std::shared_ptr<const connectors::CatalogEntry> entry;
    std::shared_ptr<const upstream_auth::UpstreamToken> upstream_token;
    std::string rule;
    std::optional<authorization::Refusal> refusal;
    WallTime right_checked_at =
        {};                      // Since when the caller's right is known; epoch: not asked for.
    std::string deny_list = {};  // Version of the list that was asked last.
  };
  using CallPtr = std::shared_ptr<Call>;

  [[nodiscard]] Task<v1::IssueTokenResponse> Run(CallPtr call);
  [[nodiscard]] Task<Done> Decide(CallPtr call);
  void RefuseIfDenied(Call& call) const;
  [[nodiscard]] Task<Done> Mint(CallPtr call);
  [[nodiscard]] Task<Done> Choose(CallPtr call,
                                  std::shared_ptr<const connectors::CatalogSnapshot> snapshot);
  [[nodiscard]] WallTime RightEnds(const Call& call) const;
  [[nodiscard]] auditlog::Event Record(const Call& call) const;
  [[nodiscard]] v1::IssueTokenResponse Answer(const Call& call) const;
  void Report(const Call& call) const;

  IssueTokenParts parts_;
};

}  // namespace connector::broker::api
