#include "broker/secrets/vault/vault_secret_watcher.h"

#include "common/crypto/digest.h"
#include "common/resilience/random.h"

#include <algorithm>

namespace connector::broker::secrets {
namespace {

constexpr std::chrono::seconds kReadTimeout{10};
constexpr std::size_t kHashDigits = 16;

VaultStoreParts WithRandom(VaultStoreParts parts) {
  if (!parts.random) {
    parts.random = resilience::RandomFraction;
  }
  return parts;
}

Error Stopping() {
  return MakeError(
      ErrorCode::kUnavailable, ErrorOrigin::kBroker, "the broker is shutting down", Retry::kSafe);
}

StoredSecret Copy(const StoredSecret& secret) {
  StoredSecret out;
  out.type = secret.type;
  out.version = secret.version;
  out.not_after = secret.not_after;
  for (const auto& [key, value] : secret.data) {
    out.data.emplace(key, value.Clone());
  }
  return out;
}

// Identifies a place in Vault, so that its version is equal on every broker. The lengths keep two
// places from having one text.
std::string PlaceOf(const SecretRef& ref) {
  const resource::VaultLocation& at = *ref.vault;
  std::string out;
  for (const std::string* part :
       {&at.vault_namespace, &at.path, &at.username_key, &at.password_key, &at.docker_config_key}) {
    out.append(std::to_string(part->size())).append(":").append(*part);
  }
  return out;
}

}  // namespace

VaultSecretWatcher::VaultSecretWatcher(VaultOptions options, VaultStoreParts parts)
    : options_(std::move(options)),
      parts_(WithRandom(std::move(parts))),
      policy_(options_),
      versions_(parts_.version_key),
      tasks_(std::make_shared<TaskGroup>(parts_.executor)),
      client_(std::make_shared<VaultClient>(
          options_,
          VaultClientParts{parts_.clock, parts_.logger, parts_.random, parts_.on_exchange})),
      session_(std::make_shared<VaultSession>(
          options_,
          client_,
          tasks_,
          VaultSessionParts{parts_.clock, parts_.logger, parts_.random})) {}

std::shared_ptr<VaultSecretWatcher> VaultSecretWatcher::Make(VaultOptions options,
                                                             VaultStoreParts parts) {
  auto made = std::make_shared<VaultSecretWatcher>(std::move(options), std::move(parts));
  made->session_->OnNewToken([weak = made->weak_from_this()] {
    if (const auto watcher = weak.lock()) {
      watcher->WakeAll();
    }
  });
  const std::weak_ptr<VaultSession> session = made->session_;
  made->client_->OnFailing([session] {
    if (const auto held = session.lock()) {
      held->Wake();
    }
  });
  return made;
}

VaultSecretWatcher::ItemPointer VaultSecretWatcher::ItemOf(const SecretRef& ref) {
  ItemPointer& item = items_[ref];
  if (item == nullptr) {
    item = std::make_shared<VaultItem>();
    item->ref = ref;
    item->seen.problem = "Vault has not answered yet for " + ref.vault->path;
  }
  return item;
}

// Under the lock. The leased credential with its end; nullopt when there is none. It ends with its
// lease or with the login that read it, whichever is first: Vault revokes both together.
std::optional<StoredSecret> VaultSecretWatcher::LiveLease(const VaultItem& item) const {
  if (item.lease == nullptr || item.LeaseEnded(VaultNow())) {
    return std::nullopt;
  }
  const auto login_end = session_->EndOf(item.lease->generation);
  if (!login_end) {
    return std::nullopt;
  }
  StoredSecret out = Copy(*item.lease->secret);
  for (const std::optional<VaultTime>& end : {item.lease->terms.End(), *login_end}) {
    if (end) {
      const WallTime wall =
          parts_.clock.Now() + std::chrono::duration_cast<WallTime::duration>(*end - VaultNow());
      out.not_after = out.not_after ? std::min(*out.not_after, wall) : wall;
    }
  }
  return out;
}

VaultSecretWatcher::Step VaultSecretWatcher::Next(const SecretRef& ref) {
  Step step;
  const std::lock_guard lock(mutex_);
  if (stopping_) {
    step.answer = Stopping();
    return step;
  }
  step.item = ItemOf(ref);
  VaultItem& item = *step.item;
  if (std::optional<StoredSecret> live = LiveLease(item)) {
    step.answer = *std::move(live);
  } else if (item.other != nullptr) {
    // A renewal or a metadata read is under way: it may make this read unnecessary.
    step.other = item.other;
  } else if (item.read.under_way()) {
    step.read = item.read.Join();
  } else if (std::optional<resilience::CircuitBreaker::Held> held =
                 item.breaker.Admit(VaultNow())) {
    step.answer = std::move(held->error);
  } else {
    step.read = item.read.Start();
    step.start = true;
  }
  return step;
}

Task<Result<StoredSecret>> VaultSecretWatcher::Fetch(SecretRef ref, Deadline deadline) {
  if (!ref.vault) {
    co_return MakeError(
        ErrorCode::kInvalidArgument, ErrorOrigin::kSelf, ref.ToString() + " is not in Vault");
  }
  const Result<Done> allowed = policy_.Check(ref.ns, *ref.vault);
  if (!allowed) {
    co_return allowed.error();
  }
  while (true) {
    Step step = Next(ref);
    if (step.answer) {
      co_return *std::move(step.answer);
    }
    const Error late = MakeError(ErrorCode::kDeadlineExceeded,
                                 ErrorOrigin::kUpstream,
                                 "Vault did not answer in time for " + ref.vault->path,
                                 Retry::kSafe);
    if (step.other != nullptr) {
      if (!co_await OneShot<Done>::Wait(step.other, deadline)) {
        co_return late;
      }
      continue;
    }
    if (step.start && !tasks_->Spawn(RunLoad(shared_from_this(), step.item, step.read))) {
      co_return Stopping();
    }
    const std::optional<SecretResult> read_result =
        co_await VaultItem::Read::Call::Wait(step.read, deadline);
    if (!read_result) {
      co_return late;
    }
    if (!*read_result) {
      co_return read_result->error();
    }
    StoredSecret copy = Copy(***read_result);
    co_return copy;
  }
}

Task<void> VaultSecretWatcher::RunLoad(std::shared_ptr<VaultSecretWatcher> self,
                                       ItemPointer item,
                                       std::shared_ptr<VaultItem::Read::Call> call) {
  call->Set(co_await self->Load(std::move(item)));
}

// The only read of `item` under way. A caller whose deadline passes leaves it running for the
// others.
Task<VaultSecretWatcher::SecretResult> VaultSecretWatcher::Load(ItemPointer item) {
  VaultReadResult read_result = co_await Read(*item->ref.vault);
  co_return ApplyReadResult(item, std::move(read_result));
}

Task<VaultSecretWatcher::VaultReadResult> VaultSecretWatcher::Read(
    resource::VaultLocation location) {
  VaultReadResult read_result;
  read_result.started = VaultNow();
  const auto call = std::make_shared<const VaultCall>(ReadCall(location));
  Result<VaultSession::Reply> reply = co_await session_->Do(
      call, VaultRetryPolicy::kRetryBriefly, read_result.started + kReadTimeout);
  if (!reply) {
    read_result.reading = std::move(reply).error();
    co_return read_result;
  }
  read_result.generation = reply->generation;
  read_result.reading =
      reply->answer.status == 200
          ? ReadReading(location, reply->answer)
          : Result<VaultReading>(ReadRefusal(*call, reply->answer, reply->policies));
  read_result.definite =
      read_result.reading || read_result.reading.error().code != ErrorCode::kUnavailable;
  co_return read_result;
}

// Decides under the lock and notifies after it: a callback may call Fetch or Follow.
VaultSecretWatcher::SecretResult VaultSecretWatcher::ApplyReadResult(const ItemPointer& item,
                                                                     VaultReadResult read_result) {
  Notifications notifications;
  SecretResult out = Error{};
  {
    const std::lock_guard lock(mutex_);
    const std::string version = item->seen.version;
    const std::string problem = item->seen.problem;
    const CredentialLacks lacks = item->seen.lacks;
    item->read.Complete();
    if (read_result.reading) {
      VaultReading reading = *std::move(read_result.reading);
      out = ApplyReading(*item, std::move(reading), read_result, notifications);
    } else {
      out = read_result.reading.error();
      ApplyFailure(*item, read_result.reading.error(), read_result.definite, read_result.started);
    }
    item->SetNext(options_.poll_interval, VaultNow(), Random());
    notifications.changed = item->followed && item->seen.version != version;
    notifications.observed =
        item->seen.version != version || item->seen.problem != problem || item->seen.lacks != lacks;
    notifications.on_change = on_change_;
  }
  Notify(item, std::move(notifications));
  return out;
}

// Under the lock.
std::shared_ptr<const StoredSecret> VaultSecretWatcher::ApplyReading(
    VaultItem& item,
    VaultReading reading,
    const VaultReadResult& read_result,
    Notifications& notifications) {
  auto secret = std::make_shared<StoredSecret>();
  secret->type = std::move(reading.type);
  secret->data = std::move(reading.data);
  // Vault makes a leased credential for each broker, so a digest of its content would differ
  // between brokers, and change at each replacement. Its version is that of the place.
  const bool leased = reading.lease.has_value();
  secret->version =
      leased ? versions_.OfPlace(PlaceOf(item.ref)) : versions_.Of(secret->type, secret->data);
  item.answered = true;
  item.breaker.Succeeded();
  item.renew_at.reset();
  item.kv = std::move(reading.kv);
  item.seen.kind = leased ? VaultKind::kLease : VaultKind::kKv;
  item.seen.version = secret->version;
  item.Judge(*secret);
  item.seen.kv_version = item.kv ? item.kv->version : 0;
  item.seen.last_success = parts_.clock.Now();
  item.seen.last_error.clear();
  item.seen.last_error_at.reset();
  item.seen.lease_hash.clear();
  item.seen.expires_at.reset();
  // The old lease is not revoked here: tokens minted from it may still be in use.
  if (item.lease != nullptr) {
    item.old_leases.push_back(std::move(item.lease));
  }
  std::erase_if(item.old_leases, [](const std::shared_ptr<VaultLease>& old) {
    const std::optional<VaultTime> end = old->terms.End();
    return end && *end <= VaultNow();
  });
  if (!leased) {
    return secret;
  }
  auto lease = std::make_shared<VaultLease>();
  lease->hash = crypto::Sha256Hex(reading.lease->id.Reveal()).substr(0, kHashDigits);
  lease->id = std::move(reading.lease->id);
  lease->terms = {
      read_result.started, reading.lease->ttl, reading.lease->ttl, reading.lease->renewable};
  lease->generation = read_result.generation;
  lease->secret = secret;
  item.seen.lease_hash = lease->hash;
  item.lease = lease;
  std::optional<StoredSecret> live = LiveLease(item);
  if (live) {
    item.seen.expires_at = live->not_after;
  }
  if (item.dropped && !stopping_) {
    notifications.to_revoke = TakeLeases(item);  // Nobody else would revoke it.
  }
  return live ? std::make_shared<const StoredSecret>(*std::move(live)) : secret;
}

// Under the lock. A live lease outlasts any failure. A definite error ends what is known of a KV
// secret at once (docs/promises.md P6); an outage of Vault ends nothing.
void VaultSecretWatcher::ApplyFailure(VaultItem& item,
                                      const Error& error,
                                      bool definite,
                                      VaultTime started) {
  item.seen.last_error = error.message;
  item.seen.last_error_at = parts_.clock.Now();
  const bool lease_alive = item.lease != nullptr && !item.LeaseEnded(VaultNow());
  if (item.lease != nullptr) {
    item.renew_at = RetryAt(item.lease->terms, VaultNow());
  }
  if (definite) {
    item.answered = true;
    item.breaker.Succeeded();
    if (!lease_alive) {
      item.seen.version.clear();
      item.seen.problem = error.message;
      item.seen.lacks.clear();
      item.kv.reset();
    }
    return;
  }
  if (client_->ProbeAt()) {
    item.breaker.Abandoned();  // Vault is down: the client's own backoff decides when to try again.
  } else {
    item.breaker.Failed(error, started, VaultNow(), Random());
  }
  if (!item.answered) {
    item.seen.problem =
        "Vault has not answered yet for " + item.ref.vault->path + ": " + error.message;
  }
}

void VaultSecretWatcher::Notify(const ItemPointer& item, Notifications notifications) {
  if (!notifications.to_revoke.empty()) {
    tasks_->Spawn(Revoke(shared_from_this(), item->ref, std::move(notifications.to_revoke)));
  }
  if (notifications.changed && notifications.on_change) {
    notifications.on_change(item->ref);
  }
  if (notifications.observed && parts_.on_observation) {
    parts_.on_observation(item->ref);
  }
}

VaultObservation VaultSecretWatcher::Observed(const SecretRef& ref) const {
  const std::lock_guard lock(mutex_);
  const auto found = items_.find(ref);
  if (found != items_.end()) {
    return found->second->seen;
  }
  VaultObservation out;
  out.problem = ref.vault ? "Vault has not answered yet for " + ref.vault->path
                          : ref.ToString() + " is not in Vault";
  return out;
}

VaultStatus VaultSecretWatcher::CurrentStatus() const {
  VaultStatus status = session_->CurrentStatus();
  status.lease_renewals = lease_renewals_;
  status.leases_revoked = leases_revoked_;
  return status;
}

Task<Result<VaultLoginInfo>> VaultSecretWatcher::CheckLogin(Deadline deadline) {
  co_return co_await session_->EnsureLogin(deadline);
}

}  // namespace connector::broker::secrets
