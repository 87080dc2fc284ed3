#pragma once

// VaultRoute: decides after each answer which of Vault's addresses the call goes to next. Pure.
//
// Addresses are tried in order. A redirect is followed only to another configured address, because
// the token goes with the request (docs/promises.md P5).

#include "broker/secrets/vault/vault_lease.h"
#include "common/base/result.h"
#include "common/curl/curl_client.h"
#include "common/http/origin.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace connector::broker::secrets {

inline constexpr int kMaxVaultRedirects = 3;
inline constexpr int kMaxStateRetries = 5;
inline constexpr std::chrono::milliseconds kFirstStateRetry{100};  // Doubled each time.

// What the route needs from one answer.
struct VaultHop {
  int status = 0;        // 0: none came; then `failure` says why.
  std::string location;  // Of a redirect.
  std::optional<std::chrono::seconds> retry_after;
  bool sealed = false;
  std::optional<Error> failure;
};
// `now` for a Retry-After that is a date.
[[nodiscard]] VaultHop HopOf(const Result<curl::CurlResponse>& response, std::int64_t now_unix);

struct VaultRouteStep {
  enum class Kind : std::uint8_t {
    kDeliver,  // The answer is the call's.
    kAsk,      // Ask `address` after `wait`.
    kFail,     // Vault as a whole does not answer: `error`.
  };
  Kind kind = Kind::kDeliver;
  std::size_t address = 0;
  std::chrono::milliseconds wait{0};
  Error error;  // With kAsk: the error when no time is left to ask.
  bool sealed = false;
};

class VaultRoute {
 public:
  // Starts at the address `first`. `addresses` outlive it.
  VaultRoute(const std::vector<http::Origin>& addresses, std::size_t first)
      : addresses_(addresses), tried_(addresses.size()), at_(first) {
    tried_[first] = true;
  }

  // `random` is in [0, 1).
  [[nodiscard]] VaultRouteStep OnAnswer(const VaultHop& hop, double random);

 private:
  [[nodiscard]] VaultRouteStep Redirected(const VaultHop& hop);
  [[nodiscard]] VaultRouteStep NextAddress(Error error);
  [[nodiscard]] VaultRouteStep GoTo(std::size_t address);

  const std::vector<http::Origin>& addresses_;
  std::vector<bool> tried_;
  std::size_t at_;
  int redirects_ = 0;
  int state_retries_ = 0;
};

}  // namespace connector::broker::secrets
