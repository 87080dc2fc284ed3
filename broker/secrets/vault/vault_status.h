#pragma once

// What the broker's own dealings with Vault look like from outside: values for the status page,
// readiness and metrics. No secret in any of them.

#include "common/base/clock.h"
#include "common/base/result.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace connector::broker::vault {

enum class Operation : std::uint8_t {
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
[[nodiscard]] std::string_view ToString(Operation operation);  // "login", "read_metadata" ...

// What became of one request to one address.
enum class Outcome : std::uint8_t {
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
[[nodiscard]] std::string_view ToString(Outcome outcome);  // "ok", "missing_state" ...

struct Exchange {
  Operation operation = Operation::kRead;
  Outcome outcome = Outcome::kOk;
  std::chrono::steady_clock::duration took{};
};
// Called on any thread, with no lock held.
using ExchangeObserver = std::function<void(const Exchange&)>;

// Who we are at Vault.
struct LoginInfo {
  std::string method;                 // "kubernetes", "approle", "cert" or "tokenFile".
  std::vector<std::string> policies;  // Without "default".
  std::string accessor;               // Names the token in Vault's audit log; not a secret.
  std::optional<WallTime> expires_at;
  bool renewable = false;
};

struct Status {
  bool reachable = true;  // False from a failed call until the next answer.
  bool sealed = false;    // As the last answer said.
  std::string problem;    // Why not reachable, or why there is no login; empty when all is well.
  std::optional<WallTime> failing_since;
  std::optional<WallTime> retry_at;  // When Vault is asked next, while it is not reachable.
  std::optional<LoginInfo> login;    // None: not logged in.
  std::uint64_t logins = 0;          // Since start.
  std::uint64_t renewals = 0;        // Of our own token.
  std::uint64_t lease_renewals = 0;
  std::uint64_t leases_revoked = 0;
};

}  // namespace connector::broker::vault
