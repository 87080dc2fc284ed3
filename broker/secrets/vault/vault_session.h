#pragma once

// VaultSession: the broker's own token at Vault. It logs in when a token is needed and renews the
// token at two thirds of its ttl. It logs in again when the token cannot be renewed or was revoked,
// and revokes its own tokens at the end. All calls with a token go through it.
//
// vault_session.cc gets tokens and makes calls; vault_session_renewal.cc renews and revokes.
//
// Logins are numbered (generations): Vault revokes the leases of a token together with the token,
// so each lease must know its login.

#include "broker/secrets/vault/vault_client.h"
#include "broker/secrets/vault/vault_lease.h"
#include "broker/secrets/vault/vault_login.h"
#include "broker/secrets/vault/vault_status.h"
#include "common/async/one_shot.h"
#include "common/async/task.h"
#include "common/async/task_group.h"
#include "common/resilience/single_flight.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace connector::broker::secrets {

struct VaultSessionParts {
  const Clock& clock;
  log::Logger& logger;
  std::function<double()> random;
};

class VaultSession : public std::enable_shared_from_this<VaultSession> {
 public:
  struct Reply {
    VaultAnswer answer;
    std::uint64_t generation = 0;       // Of the token that asked.
    std::vector<std::string> policies;  // Its.
  };

  VaultSession(const VaultOptions& options,
               std::shared_ptr<VaultClient> client,
               std::shared_ptr<TaskGroup> tasks,
               VaultSessionParts parts);

  // `on_new_token` is called after each login that made one: any thread, no lock held. Once, before
  // the first call.
  void OnNewToken(std::function<void()> on_new_token) { on_new_token_ = std::move(on_new_token); }

  // Makes `call` with our token. A revoked token is replaced and the call made once more, so a 403
  // that comes back is about the policies. Errors: those of VaultClient::Do and of a login.
  [[nodiscard]] Task<Result<Reply>> Do(std::shared_ptr<const VaultCall> call,
                                       VaultRetryPolicy retry_policy,
                                       Deadline deadline);

  [[nodiscard]] Task<Result<VaultLoginInfo>> EnsureLogin(Deadline deadline);

  // Keeps us logged in until StopRenewing. While Vault is failing it also sends the probes: callers
  // then need not try.
  [[nodiscard]] Task<void> RunRenewals();
  void StopRenewing();
  // RunRenewals checks again what is due.
  void Wake();

  // Revokes our tokens, as far as `deadline` allows.
  [[nodiscard]] Task<Done> Revoke(Deadline deadline);

  // When the token of `generation` ends. Outer nullopt: it is gone. Inner nullopt: it has no end.
  [[nodiscard]] std::optional<std::optional<VaultTime>> EndOf(std::uint64_t generation) const;
  [[nodiscard]] std::uint64_t generation() const;  // 0 while not logged in.

  // The client's status, with login, logins, renewals, and the problem of a failing login.
  [[nodiscard]] VaultStatus CurrentStatus() const;

 private:
  struct Token {
    std::uint64_t generation = 0;
    std::shared_ptr<const VaultIdentity> identity;
    std::vector<std::string> policies;
    std::string accessor;
    bool has_default_policy = false;
    bool ours = true;
    LeaseTerms terms;
    std::optional<WallTime> expires_at;
    std::optional<VaultTime> last_checked;
  };
  using LoginCall = resilience::SharedCall<Result<Done>>;

  [[nodiscard]] Task<Result<Token>> Get(Deadline deadline);
  [[nodiscard]] std::shared_ptr<LoginCall> JoinLogin(bool forced, std::optional<Error>& held);
  [[nodiscard]] Task<void> RunLogin(std::shared_ptr<VaultSession> self,
                                    std::shared_ptr<LoginCall> login);
  [[nodiscard]] Result<Done> FinishLogin(Result<VaultTokenGrant> grant, VaultTime started);
  void Adopt(VaultTokenGrant grant, VaultTime started, bool& is_new);
  [[nodiscard]] Task<bool> IsTokenRevoked(Token token, Deadline deadline);
  void DropToken(std::uint64_t generation);
  [[nodiscard]] Task<void> RenewOrReplace(Token token, RenewalAction action);
  [[nodiscard]] Task<bool> Renew(Token token);
  [[nodiscard]] Task<void> Probe(Token token);
  [[nodiscard]] bool FileChanged();
  [[nodiscard]] std::optional<Token> Current() const;

  const VaultOptions options_;
  const std::shared_ptr<VaultClient> client_;
  const std::shared_ptr<TaskGroup> tasks_;
  const VaultSessionParts parts_;
  std::function<void()> on_new_token_;
  VaultLoginMemory memory_;  // Of the one login under way.

  mutable std::mutex mutex_;  // Guards all below; never held across co_await.
  std::uint64_t current_ = 0;
  std::uint64_t last_generation_ = 0;
  std::map<std::uint64_t, Token> tokens_;  // The current one, and old ones until they end.
  resilience::SingleFlight<Result<Done>> login_;
  resilience::CircuitBreaker login_breaker_{kVaultBreaker};
  std::string login_problem_;
  std::string tried_;                  // Digest of the token file's content that was tried last.
  std::optional<VaultTime> renew_at_;  // After a failure, instead of NextRenewalOf's time.
  std::uint64_t logins_ = 0;
  std::uint64_t renewals_ = 0;
  bool ending_ = false;
  std::shared_ptr<OneShot<Done>> wake_ = std::make_shared<OneShot<Done>>();
};

}  // namespace connector::broker::secrets
