#pragma once

// VaultClient: makes one call to Vault, at the first of its addresses that answers. A failing Vault
// gets one request at a time. vault_route.h says what is retried. The client sends X-Vault-Index,
// which Vault needs for read-after-write. It knows nothing of logins.

#include "broker/secrets/vault/vault_answers.h"
#include "broker/secrets/vault/vault_breaker.h"
#include "broker/secrets/vault/vault_calls.h"
#include "broker/secrets/vault/vault_lease.h"
#include "broker/secrets/vault/vault_options.h"
#include "broker/secrets/vault/vault_status.h"
#include "common/async/one_shot.h"
#include "common/async/task.h"
#include "common/base/clock.h"
#include "common/curl/curl_client.h"
#include "common/log/log.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace connector::broker::secrets {

inline constexpr std::size_t kMaxAnswerBytes = 256 * 1024;

// Whether a call retries while Vault fails. Polls fail fast. A mint retries for kRetryWindow, so
// that a short failure costs no pull. After more than kMaxTransientFailures failures in a row Vault
// counts as down, and every call fails at once.
enum class VaultRetryPolicy : std::uint8_t { kFailFast, kRetryBriefly };
inline constexpr std::chrono::milliseconds kRetryWindow{2000};
inline constexpr unsigned kMaxTransientFailures = 2;

// The identity of a call. Identities never share connections: a client certificate authenticates
// the whole connection.
struct VaultIdentity {
  Secret token;                  // Empty for a login.
  std::string certificate_file;  // Empty: the transport's, if there is one.
  std::string key_file;
  std::shared_ptr<curl::CurlClient> connections;
};

struct VaultClientParts {
  const Clock& clock;
  log::Logger& logger;
  std::function<double()> random;  // In [0, 1), thread-safe.
  VaultExchangeObserver on_exchange;
};

class VaultClient {
 public:
  VaultClient(const VaultOptions& options, VaultClientParts parts);

  // Called when Vault stops answering: any thread, no lock held. Once, before the first call.
  void OnFailing(std::function<void()> on_failing) { on_failing_ = std::move(on_failing); }

  // Any answer of Vault's own, whatever its status, is a value. Errors: kUnavailable and
  // kDeadlineExceeded (Vault cannot be reached, is sealed, limits us; with retry_after),
  // kResourceExhausted (the answer is too large), kInvalidArgument (our CA file or certificate).
  // Every message names Vault and the call's path.
  [[nodiscard]] Task<Result<VaultAnswer>> Do(std::shared_ptr<const VaultCall> call,
                                             std::shared_ptr<const VaultIdentity> as,
                                             VaultRetryPolicy retry_policy,
                                             Deadline deadline);

  // Connections for a new identity; Shutdown ends them with all others.
  [[nodiscard]] std::shared_ptr<curl::CurlClient> NewConnections();
  // Calls under way fail, and so do later ones.
  void Shutdown();

  // Sets only reachable, sealed, problem, failing_since and retry_at.
  [[nodiscard]] VaultStatus Reachability() const;
  // When a probe is due: nullopt while Vault answers.
  [[nodiscard]] std::optional<VaultTime> ProbeAt() const;

 private:
  [[nodiscard]] Task<Result<VaultAnswer>> TryAddresses(std::shared_ptr<const VaultCall> call,
                                                       std::shared_ptr<const VaultIdentity> as,
                                                       Deadline deadline);
  [[nodiscard]] Task<Result<curl::CurlResponse>> AskOnce(std::shared_ptr<const VaultCall> call,
                                                         std::shared_ptr<const VaultIdentity> as,
                                                         std::size_t address,
                                                         Deadline deadline);
  [[nodiscard]] Result<curl::CurlRequest> RequestFor(const VaultCall& call,
                                                     const VaultIdentity& as,
                                                     std::size_t address) const;
  void Observe(const VaultCall& call,
               const Result<curl::CurlResponse>& response,
               VaultTime started);
  void Answered(std::size_t address);
  void Failed(const Error& error, bool sealed, VaultTime started);

  const VaultOptions options_;
  const VaultClientParts parts_;
  std::function<void()> on_failing_;
  const std::shared_ptr<OneShot<Done>> stopped_ = std::make_shared<OneShot<Done>>();

  mutable std::mutex mutex_;  // Guards all below; never held across co_await.
  resilience::CircuitBreaker breaker_{kVaultBreaker};
  bool sealed_ = false;
  std::optional<WallTime> failing_since_;
  std::size_t preferred_ = 0;  // The address that answered last.
  std::string index_;          // X-Vault-Index, as Vault named it last.
  bool shut_down_ = false;
  std::vector<std::weak_ptr<curl::CurlClient>> connections_;
};

}  // namespace connector::broker::secrets
