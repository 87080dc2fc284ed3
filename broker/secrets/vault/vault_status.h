#pragma once

// What the broker's own dealings with Vault look like from outside: values for the status page,
// readiness and metrics. No secret in any of them.

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

// What became of one request to one address.
enum class VaultOutcome : std::uint8_t {
  kOk,
  kRefused,       // 400, 403, 404, 405: Vault answered, with no.
  kRedirected,    // 307, 472, 473
  kMissingState,  // 412
  kLimited,       // 429
  kSealed,        // 503 of a sealed Vault
  kUnavailable,   // Other 5xx
  kUnreachable,   // No connection, TLS not verified, no answer in time, cut off.
  kNonsense,      // An answer that is none of Vault's, or too large.
};
[[nodiscard]] std::string_view ToString(VaultOutcome outcome);  // "ok", "missing_state" ...

struct VaultExchange {
  VaultOperation operation = VaultOperation::kRead;
  VaultOutcome outcome = VaultOutcome::kOk;
  std::chrono::steady_clock::duration took{};
};
// Called on any thread, with no lock held.
using VaultExchangeObserver = std::function<void(const VaultExchange&)>;

// Who we are at Vault.
struct VaultLoginInfo {
  std::string method;                 // "kubernetes", "approle", "cert" or "tokenFile".
  std::vector<std::string> policies;  // Without "default".
  std::string accessor;               // Names the token in Vault's audit log; not a secret.
  std::optional<WallTime> expires_at;
  bool renewable = false;
};

// Logs in to Vault where we are not, and says as whom. Empty where the broker has no Vault.
using VaultLoginCheck = std::function<Task<Result<VaultLoginInfo>>(Deadline)>;

struct VaultStatus {
  bool reachable = true;  // False from a failed call until the next answer.
  bool sealed = false;    // As the last answer said.
  std::string problem;    // Why not reachable, or why there is no login; empty when all is well.
  std::optional<WallTime> failing_since;
  std::optional<WallTime> retry_at;     // When Vault is asked next, while it is not reachable.
  std::optional<VaultLoginInfo> login;  // None: not logged in.
  std::uint64_t logins = 0;             // Since start.
  std::uint64_t renewals = 0;           // Of our own token.
  std::uint64_t lease_renewals = 0;
  std::uint64_t leases_revoked = 0;
};

}  // namespace connector::broker::secrets
