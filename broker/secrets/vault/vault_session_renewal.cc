#include "broker/secrets/vault/vault_session.h"

#include <algorithm>
#include <utility>

namespace connector::broker::secrets {
namespace {

constexpr std::chrono::seconds kRenewalTimeout{15};

}  // namespace

Task<void> VaultSession::RunRenewals() {
  const std::shared_ptr<VaultSession> self = shared_from_this();
  while (true) {
    std::shared_ptr<OneShot<Done>> wake;
    std::optional<VaultTime> renew_at;
    {
      const std::lock_guard lock(mutex_);
      if (ending_) {
        co_return;
      }
      wake_ = std::make_shared<OneShot<Done>>();
      wake = wake_;
      renew_at = renew_at_;
    }
    const std::optional<Token> token = Current();
    // Without a token, log in at once and not at the first request: a pull should not wait for it.
    if (!token) {
      const Result<Token> got = co_await Get(VaultNow() + kRenewalTimeout);
      if (!got) {
        VaultTime again = VaultNow() + kShortestRetry;
        again = std::max(again, client_->ProbeAt().value_or(again));
        {
          const std::lock_guard lock(mutex_);
          again = login_breaker_.failing() ? std::max(again, login_breaker_.until()) : again;
        }
        co_await OneShot<Done>::Wait(wake, again);
      }
      continue;
    }
    const NextRenewal plan = NextRenewalOf(token->terms);
    const VaultTime never = VaultNow() + std::chrono::hours(1);
    const VaultTime due = plan.action == RenewalAction::kNone ? never : renew_at.value_or(plan.at);
    const std::optional<VaultTime> probe_at = client_->ProbeAt();
    VaultTime at = std::min(due, probe_at.value_or(never));
    // Wakes at least once per poll interval, because a token file may change without notice.
    at = std::min(at, VaultNow() + (probe_at ? kLongestVaultBackoff : options_.poll_interval));
    co_await OneShot<Done>::Wait(wake, at);
    if (const std::optional<VaultTime> probe = client_->ProbeAt(); probe && *probe <= VaultNow()) {
      co_await Probe(*token);
    } else if (due <= VaultNow()) {
      co_await RenewOrReplace(*token, plan.action);
    } else {
      static_cast<void>(co_await Get(VaultNow() + kRenewalTimeout));  // Reads a changed token file.
    }
  }
}

// One request while Vault is failing. Without it, a broker without traffic would stay degraded
// after Vault has recovered.
Task<void> VaultSession::Probe(Token token) {
  const auto call = std::make_shared<const VaultCall>(LookupSelfCall());
  const Deadline deadline = VaultNow() + kRenewalTimeout;
  const Result<VaultAnswer> answer =
      co_await client_->Do(call, token.identity, VaultRetryPolicy::kFailFast, deadline);
  if (answer && answer->status == 403 && co_await IsTokenRevoked(token, deadline)) {
    DropToken(token.generation);
  }
}

// A token that cannot be renewed is replaced by a new login before it ends. The old one stays valid
// meanwhile, so no request fails.
Task<void> VaultSession::RenewOrReplace(Token token, RenewalAction action) {
  if (action == RenewalAction::kRenew && co_await Renew(token)) {
    co_return;
  }
  std::optional<Error> held;
  const std::shared_ptr<LoginCall> login = JoinLogin(false, held);
  bool ok = false;
  if (login != nullptr) {
    const std::optional<Result<Done>> finished =
        co_await LoginCall::Wait(login, VaultNow() + kRenewalTimeout);
    ok = finished && finished->has_value();
  }
  if (!ok) {
    const std::lock_guard lock(mutex_);
    renew_at_ = RetryAt(token.terms, VaultNow());
  }
}

// False when the token cannot be renewed and a new login is needed. Any other failure is retried
// while the token lasts.
Task<bool> VaultSession::Renew(Token token) {
  const VaultTime started = VaultNow();
  const auto call = std::make_shared<const VaultCall>(RenewSelfCall(token.terms.requested_ttl));
  const Deadline deadline = started + kRenewalTimeout;
  const Result<VaultAnswer> answer =
      co_await client_->Do(call, token.identity, VaultRetryPolicy::kFailFast, deadline);
  const bool refused = answer && answer->status >= 400 && answer->status < 500;
  if (refused) {
    co_return false;
  }
  const Result<VaultTokenGrant> grant =
      answer && answer->status == 200 ? ReadLogin(*answer) : Result<VaultTokenGrant>(Error{});
  // A token with an end does not become one without: here a ttl of 0 means that nothing was
  // granted.
  if (grant && grant->ttl.count() == 0 && token.terms.ttl.count() != 0) {
    co_return false;
  }
  const std::lock_guard lock(mutex_);
  // The token may have been dropped during the request.
  const auto found = tokens_.find(token.generation);
  if (!grant || found == tokens_.end()) {
    renew_at_ = RetryAt(token.terms, VaultNow());
    co_return true;
  }
  LeaseTerms& terms = found->second.terms;
  terms = {started, grant->ttl, std::max(terms.requested_ttl, grant->ttl), grant->renewable};
  found->second.expires_at = parts_.clock.Now() + grant->ttl;
  renew_at_.reset();
  ++renewals_;
  co_return true;
}

void VaultSession::StopRenewing() {
  const std::lock_guard lock(mutex_);
  ending_ = true;
  wake_->Set(Done{});
}

void VaultSession::Wake() {
  const std::lock_guard lock(mutex_);
  wake_->Set(Done{});
}

Task<Done> VaultSession::Revoke(Deadline deadline) {
  std::vector<Token> ours;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [generation, token] : tokens_) {
      if (token.ours && token.terms.End().value_or(VaultTime::max()) > VaultNow()) {
        ours.push_back(token);
      }
    }
    tokens_.clear();
    current_ = 0;
  }
  // Vault would keep a token that nobody uses until it ends, with all its leases.
  const auto call = std::make_shared<const VaultCall>(RevokeSelfCall());
  for (const Token& token : ours) {
    const Result<VaultAnswer> answer =
        co_await client_->Do(call, token.identity, VaultRetryPolicy::kFailFast, deadline);
    if (!answer || answer->status >= 300) {
      parts_.logger.Warning("could not revoke the broker's vault token; it will expire",
                            {{"accessor", token.accessor}});
    }
  }
  co_return Done{};
}

}  // namespace connector::broker::secrets
