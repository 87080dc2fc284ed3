#pragma once

// The state of the broker's connection to Vault, for the status page, readiness and metrics. None
// of the values is a secret.

#include "common/async/task.h"
#include "common/base/clock.h"
#include "common/base/result.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace connector::broker::secrets {

enum class VaultOperation : std::uint8_t {
  kLogin,
  kUnwrap,
  kLookupSelf,
  kRenewSelf,
  kRevokeSelf,
  kRead,
  kReadMetadata,
  kRenewLease,
  kRevokeLease,
};
[[nodiscard]] std::string_view ToString(VaultOperation operation);  // "login", "read_metadata" ...

// The outcome of one request to one address.
enum class VaultOutcome : std::uint8_t {
  kOk,
  kRefused,       // 400, 403, 404, 405
  kRedirected,    // 307, 472, 473
  kMissingState,  // 412
  kLimited,       // 429
  kSealed,        // 503 of a sealed Vault
  kUnavailable,   // Other 5xx
  kUnreachable,   // No connection, TLS not verified, no answer in time, cut off.
  kNonsense,      // An answer that Vault would not send, or one that is too large.
};
[[nodiscard]] std::string_view ToString(VaultOutcome outcome);  // "ok", "missing_state" ...

struct VaultExchange {
  VaultOperation operation = VaultOperation::kRead;
  VaultOutcome outcome = VaultOutcome::kOk;
  std::chrono::steady_clock::duration took{};
};
// Called on any thread, with no lock held.
using VaultExchangeObserver = std::function<void(const VaultExchange&)>;

// Our identity at Vault.
struct VaultLoginInfo {
  std::string method;                 // "kubernetes", "approle", "cert" or "tokenFile".
  std::vector<std::string> policies;  // Without "default".
  std::string accessor;               // Names the token in Vault's audit log; not a secret.
  std::optional<WallTime> expires_at;
  bool renewable = false;
};

// Logs in to Vault if necessary, and returns the identity. Empty when no Vault is configured.
using VaultLoginCheck = std::function<Task<Result<VaultLoginInfo>>(Deadline)>;

struct VaultStatus {
  bool reachable = true;  // False from a failed call until the next answer.
  bool sealed = false;    // As the last answer said.
  std::string problem;    // Why not reachable, or why there is no login; empty when all is well.
  std::optional<WallTime> failing_since;
  std::optional<WallTime> retry_at;     // When the next attempt is due, while it is not reachable.
  std::optional<VaultLoginInfo> login;  // None: not logged in.
  std::uint64_t logins = 0;             // Since start.
  std::uint64_t renewals = 0;           // Of our own token.
  std::uint64_t lease_renewals = 0;
  std::uint64_t leases_revoked = 0;
};

}  // namespace connector::broker::secrets
