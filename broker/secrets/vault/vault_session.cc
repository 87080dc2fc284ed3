#include "broker/secrets/vault/vault_session.h"

#include "common/crypto/digest.h"

#include <algorithm>
#include <utility>

namespace connector::broker::secrets {
namespace {

constexpr std::chrono::seconds kCheckInterval{10};
constexpr std::chrono::seconds kLoginTimeout{15};

bool Ended(const LeaseTerms& terms, VaultTime now) {
  const std::optional<VaultTime> end = terms.End();
  return end && *end <= now;
}

}  // namespace

VaultSession::VaultSession(const VaultOptions& options,
                           std::shared_ptr<VaultClient> client,
                           std::shared_ptr<TaskGroup> tasks,
                           VaultSessionParts parts)
    : options_(options),
      client_(std::move(client)),
      tasks_(std::move(tasks)),
      parts_(std::move(parts)) {}

std::optional<VaultSession::Token> VaultSession::Current() const {
  const std::lock_guard lock(mutex_);
  const auto found = tokens_.find(current_);
  if (found == tokens_.end() || Ended(found->second.terms, VaultNow())) {
    return std::nullopt;
  }
  return found->second;
}

// Vault Agent replaces the file at any time, and may revoke the old token then.
bool VaultSession::FileChanged() {
  const auto* login = std::get_if<TokenFileLogin>(&options_.login);
  if (login == nullptr) {
    return false;
  }
  const Result<Secret> read = ReadLoginFile(login->file);
  const std::lock_guard lock(mutex_);
  const auto found = tokens_.find(current_);
  if (!read || found == tokens_.end() || read->Reveal() == found->second.identity->token.Reveal()) {
    return false;
  }
  // Each content is tried once. A bad token in the file must not displace the good one in use, and
  // must not cause a login attempt for every request.
  const std::string digest = crypto::Sha256Hex(read->Reveal());
  const bool is_new = digest != tried_;
  tried_ = digest;
  return is_new;
}

Task<Result<VaultSession::Token>> VaultSession::Get(Deadline deadline) {
  const bool changed = FileChanged();
  std::optional<Token> token = Current();
  if (token && !changed) {
    co_return *std::move(token);
  }
  std::optional<Error> held;
  const std::shared_ptr<LoginCall> login = JoinLogin(changed, held);
  if (login == nullptr) {
    co_return *std::move(held);
  }
  const std::optional<Result<Done>> finished = co_await LoginCall::Wait(login, deadline);
  token = Current();
  if (token) {
    co_return *std::move(token);
  }
  if (!finished) {
    co_return MakeError(ErrorCode::kDeadlineExceeded,
                        ErrorOrigin::kUpstream,
                        "the broker's login at Vault did not end in time",
                        Retry::kSafe);
  }
  if (!*finished) {
    co_return finished->error();
  }
  co_return MakeError(ErrorCode::kUnavailable,
                      ErrorOrigin::kUpstream,
                      "the token of the broker's login at Vault ended at once",
                      Retry::kSafe);
}

// Returns the login under way or starts one; null with `held` while the backoff lasts. `forced`
// skips the backoff, because a new token file says that this attempt may end differently.
std::shared_ptr<VaultSession::LoginCall> VaultSession::JoinLogin(bool forced,
                                                                 std::optional<Error>& held) {
  std::shared_ptr<LoginCall> login;
  {
    const std::lock_guard lock(mutex_);
    if (login_.under_way()) {
      return login_.Join();
    }
    const std::optional<resilience::CircuitBreaker::Held> wait = login_breaker_.Admit(VaultNow());
    if (wait && !forced) {
      held = wait->error;
      return nullptr;
    }
    login = login_.Start();
  }
  if (!tasks_->Spawn(RunLogin(shared_from_this(), login))) {
    login->Set(MakeError(
        ErrorCode::kUnavailable, ErrorOrigin::kSelf, "the broker is shutting down", Retry::kSafe));
  }
  return login;
}

Task<void> VaultSession::RunLogin(std::shared_ptr<VaultSession> self,
                                  std::shared_ptr<LoginCall> login) {
  const VaultTime started = VaultNow();
  Result<VaultTokenGrant> grant =
      co_await LogIn(options_, *client_, memory_, started + kLoginTimeout);
  login->Set(self->FinishLogin(std::move(grant), started));
}

Result<Done> VaultSession::FinishLogin(Result<VaultTokenGrant> grant, VaultTime started) {
  const bool down = client_->ProbeAt().has_value();
  bool is_new = false;
  std::optional<Error> failure;
  {
    const std::lock_guard lock(mutex_);
    login_.Complete();
    if (grant) {
      login_breaker_.Succeeded();
      login_problem_.clear();
      renew_at_.reset();
      if (crypto::Sha256Hex(grant->token.Reveal()) != tried_) {
        tried_.clear();  // The file changed after this login had read it: try the new content.
      }
      Adopt(*std::move(grant), started, is_new);
    } else {
      failure = grant.error();
      if (down) {
        login_breaker_
            .Abandoned();  // Vault is down: the client's own backoff decides when to try again.
        tried_.clear();
      } else {
        login_breaker_.Failed(*failure, started, VaultNow(), parts_.random());
        login_problem_ = failure->message;
      }
    }
    wake_->Set(Done{});
  }
  if (failure) {
    if (!down) {
      parts_.logger.Warning("vault login failed", {{"error", failure->message}});
    }
    return *std::move(failure);
  }
  if (is_new) {
    parts_.logger.Info("logged in at vault", {{"method", MethodName(options_.login)}});
    if (on_new_token_) {
      on_new_token_();
    }
  }
  return Done{};
}

// Under the lock. Old tokens stay until they end: Vault revokes the leases of a token together with
// it, so leases of an earlier login are still in use.
void VaultSession::Adopt(VaultTokenGrant grant, VaultTime started, bool& is_new) {
  const auto found = tokens_.find(current_);
  is_new = found == tokens_.end() || found->second.identity->token.Reveal() != grant.token.Reveal();
  Token& token = is_new ? tokens_[++last_generation_] : found->second;
  if (is_new) {
    auto identity = std::make_shared<VaultIdentity>();
    identity->token = std::move(grant.token);
    identity->connections = client_->NewConnections();
    token.generation = last_generation_;
    token.identity = std::move(identity);
    current_ = last_generation_;
    ++logins_;
  }
  token.ours = TokenIsOurs(options_.login);
  token.policies = std::move(grant.policies);
  token.has_default_policy = grant.has_default_policy;
  token.accessor = std::move(grant.accessor);
  token.terms = {
      started, grant.ttl, std::max(grant.ttl, token.terms.requested_ttl), grant.renewable};
  if (!is_new || !token.ours) {
    token.terms.requested_ttl = grant.ttl;  // A lookup returns the time left.
  }
  token.expires_at.reset();
  if (grant.ttl.count() > 0) {
    token.expires_at = parts_.clock.Now() + grant.ttl;
  }
  std::erase_if(tokens_, [](const auto& kept) { return Ended(kept.second.terms, VaultNow()); });
}

Task<Result<VaultSession::Reply>> VaultSession::Do(std::shared_ptr<const VaultCall> call,
                                                   VaultRetryPolicy retry_policy,
                                                   Deadline deadline) {
  for (bool again = false;; again = true) {
    const Result<Token> token = co_await Get(deadline);
    if (!token) {
      Error error = token.error();
      // A failed login is the broker's problem. As kPermissionDenied it would read as if Vault had
      // refused this path.
      error.code =
          error.code == ErrorCode::kDeadlineExceeded ? error.code : ErrorCode::kUnavailable;
      error.message += " (needed for " + call->path + ")";
      co_return error;
    }
    Result<VaultAnswer> answer =
        co_await client_->Do(call, token->identity, retry_policy, deadline);
    if (!answer) {
      co_return std::move(answer).error();
    }
    Reply reply{*std::move(answer), token->generation, token->policies};
    if (reply.answer.status != 403 || again) {
      co_return reply;
    }
    // Once only: a second 403 with a new token is about the policies.
    if (!co_await IsTokenRevoked(*token, deadline)) {
      co_return reply;
    }
    DropToken(token->generation);
  }
}

// A 403 means that the policies do not allow the path, or that the token is gone. Vault does not
// say which, so the token looks itself up. The result holds for kCheckInterval: otherwise a path
// that is refused would double the load on Vault.
Task<bool> VaultSession::IsTokenRevoked(Token token, Deadline deadline) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = tokens_.find(token.generation);
    if (found == tokens_.end()) {
      co_return true;
    }
    const std::optional<VaultTime> last_checked = found->second.last_checked;
    if (last_checked && VaultNow() - *last_checked < kCheckInterval) {
      co_return false;
    }
    found->second.last_checked = VaultNow();
  }
  const auto call = std::make_shared<const VaultCall>(LookupSelfCall());
  const Result<VaultAnswer> answer =
      co_await client_->Do(call, token.identity, VaultRetryPolicy::kFailFast, deadline);
  if (!answer || answer->status != 403) {
    co_return false;
  }
  // Without the default policy the lookup of a valid token is refused too. For a revoked token the
  // message mentions the token.
  co_return token.has_default_policy ||
      answer->body.Reveal().find("token") != std::string_view::npos;
}

void VaultSession::DropToken(std::uint64_t generation) {
  {
    const std::lock_guard lock(mutex_);
    if (tokens_.erase(generation) == 0) {
      return;
    }
    if (current_ == generation) {
      current_ = 0;
    }
    wake_->Set(Done{});
  }
  parts_.logger.Warning("vault rejected the broker's token; logging in again");
}

Task<Result<VaultLoginInfo>> VaultSession::EnsureLogin(Deadline deadline) {
  const Result<Token> token = co_await Get(deadline);
  if (!token) {
    co_return token.error();
  }
  // Current() knows the time only. A lookup finds out whether Vault still accepts the token.
  const auto call = std::make_shared<const VaultCall>(LookupSelfCall());
  const Result<Reply> reply = co_await Do(call, VaultRetryPolicy::kRetryBriefly, deadline);
  if (!reply) {
    co_return reply.error();
  }
  const VaultStatus status = CurrentStatus();
  if (!status.login) {
    co_return MakeError(ErrorCode::kUnavailable,
                        ErrorOrigin::kUpstream,
                        "the broker's login at Vault was lost",
                        Retry::kSafe);
  }
  co_return *status.login;
}

std::optional<std::optional<VaultTime>> VaultSession::EndOf(std::uint64_t generation) const {
  const std::lock_guard lock(mutex_);
  const auto found = tokens_.find(generation);
  if (found == tokens_.end() || Ended(found->second.terms, VaultNow())) {
    return std::nullopt;
  }
  return found->second.terms.End();
}

std::uint64_t VaultSession::generation() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

VaultStatus VaultSession::CurrentStatus() const {
  VaultStatus status = client_->Reachability();
  const std::lock_guard lock(mutex_);
  const auto found = tokens_.find(current_);
  if (found != tokens_.end() && !Ended(found->second.terms, VaultNow())) {
    const Token& token = found->second;
    status.login = VaultLoginInfo{MethodName(options_.login),
                                  token.policies,
                                  token.accessor,
                                  token.expires_at,
                                  token.terms.renewable};
  }
  if (status.problem.empty() && !status.login) {
    status.problem =
        login_problem_.empty() ? "the broker has not logged in at Vault yet" : login_problem_;
  }
  status.logins = logins_;
  status.renewals = renewals_;
  return status;
}

}  // namespace connector::broker::secrets
