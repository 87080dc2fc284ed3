#include "broker/secrets/vault/vault_secret_watcher.h"

#include <algorithm>
#include <set>

namespace connector::broker::secrets {
namespace {

constexpr std::chrono::seconds kActionTimeout{10};
// First reads of many references are spread over at most this, so that a start does not flood
// Vault.
constexpr std::chrono::milliseconds kLongestReadSpread{2000};
constexpr std::chrono::milliseconds kSpreadPerItem{5};
constexpr std::chrono::hours kLongestSleep{1};
// As when a request started that did not ask the item's breaker first: it may open the breaker, and
// does not lengthen the backoff. Else polls and renewals that fail would hold back the reads of
// callers, which may well succeed.
constexpr VaultTime kNotAdmitted{};

}  // namespace

void VaultSecretWatcher::Follow(std::vector<SecretNeed> needs,
                                std::function<void(const SecretRef&)> on_change) {
  std::vector<ItemPointer> started;
  std::vector<std::pair<SecretRef, std::vector<std::shared_ptr<VaultLease>>>> to_revoke;
  std::vector<ItemPointer> observed;
  bool keep = false;
  std::map<SecretRef, std::set<resource::CredentialWanted>> wanted;
  for (SecretNeed& need : needs) {
    wanted[need.ref].merge(need.credentials);
  }
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) {
      return;
    }
    on_change_ = std::move(on_change);
    for (auto it = items_.begin(); it != items_.end();) {
      const ItemPointer item = it->second;
      if (wanted.contains(item->ref)) {
        ++it;
        continue;
      }
      // A read under way may still bring a lease; `dropped` tells it to revoke that lease.
      item->followed = false;
      item->dropped = true;
      item->wake->Set(Done{});
      to_revoke.emplace_back(item->ref, TakeLeases(*item));
      it = items_.erase(it);
    }
    const auto spread = std::min<VaultTime::duration>(
        kLongestReadSpread, kSpreadPerItem * static_cast<int>(wanted.size()));
    for (auto& [ref, credentials] : wanted) {
      if (!ref.vault) {
        continue;
      }
      const ItemPointer item = ItemOf(ref);
      // docs/rules.md "Secrets": a path that vault.paths does not allow is never read.
      const Result<Done> allowed = policy_.Check(ref.ns, *ref.vault);
      if (!allowed) {
        item->seen.problem = allowed.error().message;
        observed.push_back(item);
        continue;
      }
      keep = true;
      if (item->WantAlso(std::move(credentials))) {
        item->next = VaultNow();
        item->wake->Set(Done{});
      }
      if (!item->followed) {
        item->followed = true;
        item->next =
            VaultNow() + std::chrono::duration_cast<VaultTime::duration>(spread * Random());
        started.push_back(item);
      }
    }
    keep = keep && !renewing_;
    renewing_ = renewing_ || keep;
  }
  if (keep) {
    tasks_->Spawn(session_->RunRenewals());
  }
  for (const ItemPointer& item : started) {
    tasks_->Spawn(Watch(shared_from_this(), item));
  }
  for (auto& [ref, leases] : to_revoke) {
    if (!leases.empty()) {
      tasks_->Spawn(Revoke(shared_from_this(), ref, std::move(leases)));
    }
  }
  for (const ItemPointer& item : observed) {
    if (parts_.on_observation) {
      parts_.on_observation(item->ref);
    }
  }
}

Task<void> VaultSecretWatcher::Watch([[maybe_unused]] std::shared_ptr<VaultSecretWatcher> self,
                                     ItemPointer item) {
  while (true) {
    std::shared_ptr<OneShot<Done>> wake;
    VaultWatchPlan plan;
    {
      const std::lock_guard lock(mutex_);
      if (stopping_ || item->dropped) {
        co_return;
      }
      // The signal is renewed before the plan is made: a Wake after the plan then ends the wait.
      item->wake = std::make_shared<OneShot<Done>>();
      wake = item->wake;
      const bool alive = item->lease != nullptr && session_->EndOf(item->lease->generation);
      plan = item->Plan(session_->generation(), alive, VaultNow());
    }
    if (plan.at > VaultNow()) {
      co_await OneShot<Done>::Wait(wake, std::min(plan.at, VaultNow() + kLongestSleep));
      continue;
    }
    co_await RunAction(item, plan.action);
  }
}

Task<void> VaultSecretWatcher::RunAction(ItemPointer item, VaultWatchAction action) {
  bool read = action == VaultWatchAction::kRead;
  if (action == VaultWatchAction::kReadMetadata) {
    read = co_await ReadMetadata(item);
  } else if (action == VaultWatchAction::kRenewLease) {
    read = co_await RenewLease(item);
  }
  if (read) {
    co_await JoinRead(item);
  }
}

// Reads from Vault even when there is a live lease. Joins a read that is under way, because a
// second read would create a second lease.
Task<void> VaultSecretWatcher::JoinRead(ItemPointer item) {
  std::shared_ptr<VaultItem::Read::Call> call;
  std::optional<resilience::CircuitBreaker::Held> held;
  bool start = false;
  {
    const std::lock_guard lock(mutex_);
    if (!item->read.under_way()) {
      held = item->breaker.Admit(VaultNow());
      if (held) {
        item->next = std::max(item->next, held->until);
        if (item->lease != nullptr) {
          item->renew_at = held->until;
        }
        co_return;
      }
      item->read.Start();
      start = true;
    }
    call = item->read.Join();
  }
  if (start) {
    call->Set(co_await Load(item));
    co_return;
  }
  co_await VaultItem::Read::Call::Wait(call, VaultNow() + kActionTimeout);
}

// True when the data must be read: they changed, or metadata may not be read. Metadata are polled
// instead of the data, so that the secret travels only when it has changed.
Task<bool> VaultSecretWatcher::ReadMetadata(ItemPointer item) {
  const std::optional<VaultCall> metadata = MetadataCall(*item->ref.vault);
  auto busy = std::make_shared<OneShot<Done>>();
  {
    const std::lock_guard lock(mutex_);
    if (!metadata || item->read.under_way()) {
      co_return true;  // Joins what is under way.
    }
    item->other = busy;
  }
  const auto call = std::make_shared<const VaultCall>(metadata->Clone());
  const Result<VaultSession::Reply> reply =
      co_await session_->Do(call, VaultRetryPolicy::kFailFast, VaultNow() + kActionTimeout);
  Result<VaultKvState> state = Error{};
  if (reply && reply->answer.status == 200) {
    state = ReadKvState(*item->ref.vault, reply->answer);
  }
  bool read = false;
  {
    const std::lock_guard lock(mutex_);
    item->other.reset();
    item->SetNext(options_.poll_interval, VaultNow(), Random());
    if (!reply) {
      ApplyFailure(*item, reply.error(), false, kNotAdmitted);
    } else if (!state) {
      item->metadata_refused_in = reply->generation;
      read = true;
    } else if (state && item->kv && *state == *item->kv) {
      item->seen.last_success = parts_.clock.Now();
      item->seen.last_error.clear();
      item->seen.last_error_at.reset();
    } else {
      read = true;
    }
  }
  busy->Set(Done{});
  co_return read;
}

// True when a new credential is needed.
Task<bool> VaultSecretWatcher::RenewLease(ItemPointer item) {
  std::shared_ptr<VaultLease> lease;
  auto busy = std::make_shared<OneShot<Done>>();
  {
    const std::lock_guard lock(mutex_);
    lease = item->lease;
    if (lease == nullptr || item->read.under_way()) {
      co_return true;
    }
    item->other = busy;
  }
  const VaultTime started = VaultNow();
  const auto call = std::make_shared<const VaultCall>(
      RenewLeaseCall(*item->ref.vault, lease->id.Reveal(), lease->terms.requested_ttl));
  const Result<VaultSession::Reply> reply =
      co_await session_->Do(call, VaultRetryPolicy::kFailFast, started + kActionTimeout);
  const bool replace = ApplyRenewal(item, lease, reply, started);
  busy->Set(Done{});
  co_return replace;
}

bool VaultSecretWatcher::ApplyRenewal(const ItemPointer& item,
                                      const std::shared_ptr<VaultLease>& lease,
                                      const Result<VaultSession::Reply>& reply,
                                      VaultTime started) {
  const int status = reply ? reply->answer.status : 0;
  const Result<VaultLeaseGrant> grant =
      status == 200 ? ReadRenewal(reply->answer) : Result<VaultLeaseGrant>(Error{});
  const std::lock_guard lock(mutex_);
  item->other.reset();
  if (item->lease != lease) {
    return false;  // Replaced or discarded during the request: the answer is about an old lease.
  }
  if (grant && grant->ttl.count() > 0) {
    // A new object, because others read the old one without the lock.
    auto renewed = std::make_shared<VaultLease>();
    renewed->id = lease->id.Clone();
    renewed->hash = lease->hash;
    renewed->generation = lease->generation;
    renewed->secret = lease->secret;
    renewed->terms = {started, grant->ttl, lease->terms.requested_ttl, grant->renewable};
    item->lease = renewed;
    item->renew_at.reset();
    if (const std::optional<StoredSecret> live = LiveLease(*item)) {
      item->seen.expires_at = live->not_after;
    }
    item->seen.last_success = parts_.clock.Now();
    item->seen.last_error.clear();
    item->seen.last_error_at.reset();
    ++lease_renewals_;
    return false;
  }
  if (status == 400 || status == 404) {
    item->lease.reset();  // Vault does not know the lease: it was revoked.
    return true;
  }
  if (status == 403 || grant) {
    lease->terms.renewable = false;  // Valid until its end, and replaced before.
    return true;
  }
  ApplyFailure(*item,
               reply ? MakeError(ErrorCode::kUnavailable,
                                 ErrorOrigin::kUpstream,
                                 "Vault failed to renew the lease of " + item->ref.vault->path)
                     : reply.error(),
               false,
               kNotAdmitted);
  return false;
}

bool VaultSecretWatcher::Discard(const SecretRef& ref) {
  std::vector<std::shared_ptr<VaultLease>> leases;
  {
    const std::lock_guard lock(mutex_);
    const auto found = items_.find(ref);
    if (found == items_.end() || found->second->lease == nullptr || stopping_) {
      return false;
    }
    leases.push_back(std::move(found->second->lease));
    found->second->lease.reset();
    found->second->next = VaultNow();
    found->second->renew_at.reset();
    found->second->wake->Set(Done{});
  }
  parts_.logger.Warning("registry refused a credential from vault; revoking and replacing it",
                        {{"path", ref.vault->path}, {"lease", leases.front()->hash}});
  tasks_->Spawn(Revoke(shared_from_this(), ref, std::move(leases)));
  return true;
}

// Under the lock.
std::vector<std::shared_ptr<VaultLease>> VaultSecretWatcher::TakeLeases(VaultItem& item) {
  std::vector<std::shared_ptr<VaultLease>> out = std::move(item.old_leases);
  item.old_leases.clear();
  if (item.lease != nullptr) {
    out.push_back(std::move(item.lease));
    item.lease.reset();
  }
  return out;
}

// Tries until Vault revoked the lease, refused to, the lease has expired, or the store stops. A
// lease that nobody uses is a valid credential that nobody watches.
Task<void> VaultSecretWatcher::Revoke([[maybe_unused]] std::shared_ptr<VaultSecretWatcher> self,
                                      SecretRef ref,
                                      std::vector<std::shared_ptr<VaultLease>> leases) {
  for (const std::shared_ptr<VaultLease>& lease : leases) {
    while (!co_await RevokeOne(ref, lease, VaultNow() + kActionTimeout)) {
      const VaultTime again = RetryAt(lease->terms, VaultNow());
      const std::optional<VaultTime> end = lease->terms.End();
      if ((end && again >= *end) || co_await OneShot<Done>::Wait(stopped_, again)) {
        break;
      }
    }
  }
}

// False when it should be tried again.
Task<bool> VaultSecretWatcher::RevokeOne(SecretRef ref,
                                         std::shared_ptr<VaultLease> lease,
                                         Deadline deadline) {
  const auto call =
      std::make_shared<const VaultCall>(RevokeLeaseCall(*ref.vault, lease->id.Reveal()));
  const Result<VaultSession::Reply> reply =
      co_await session_->Do(call, VaultRetryPolicy::kFailFast, deadline);
  if (!reply || reply->answer.status >= 500) {
    co_return false;
  }
  if (reply->answer.status < 300) {
    ++leases_revoked_;
    co_return true;
  }
  const Error refusal = ReadRefusal(*call, reply->answer, reply->policies);
  parts_.logger.Warning(
      "could not revoke a lease; it will expire",
      {{"path", ref.vault->path}, {"lease", lease->hash}, {"error", refusal.message}});
  co_return true;
}

void VaultSecretWatcher::WakeAll() {
  const std::lock_guard lock(mutex_);
  for (const auto& [ref, item] : items_) {
    item->wake->Set(Done{});
  }
}

Task<Done> VaultSecretWatcher::Stop(Deadline deadline) {
  std::map<SecretRef, ItemPointer> items;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    items.swap(items_);
    for (const auto& [ref, item] : items) {
      item->dropped = true;
      item->wake->Set(Done{});
    }
  }
  stopped_->Set(Done{});
  session_->StopRenewing();
  // Reads under way may still return leases, so they end first. Half of the time is for them and
  // half for revoking.
  const auto left = deadline - VaultNow();
  const bool idle = co_await tasks_->Close(VaultNow() + left / 2);
  for (const auto& [ref, item] : items) {
    std::vector<std::shared_ptr<VaultLease>> leases;
    {
      const std::lock_guard lock(mutex_);
      leases = TakeLeases(*item);
    }
    for (const std::shared_ptr<VaultLease>& lease : leases) {
      // A Vault that is down gets no requests: each would cost its timeout.
      if (VaultNow() < deadline && !client_->ProbeAt()) {
        co_await RevokeOne(ref, lease, deadline);
      }
    }
  }
  co_await session_->Revoke(deadline);
  client_->Shutdown();
  if (!idle) {
    co_await tasks_->Close(VaultNow() + left / 2);
  }
  co_return Done{};
}

void VaultSecretWatcher::Abandon() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stopped_->Set(Done{});
  session_->StopRenewing();
  client_->Shutdown();
  WakeAll();
}

}  // namespace connector::broker::secrets
