#include "dataplane/token/grant_cache.h"

#include "common/resilience/expiring_cache.h"
#include "common/resilience/single_flight.h"

#include <openssl/evp.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>

namespace connector::dataplane::token {
namespace {

constexpr std::size_t kShards = 16;

using Flights = resilience::SingleFlightGroup<std::string, GrantResult>;
using Grants = resilience::ExpiringCache<std::string, std::shared_ptr<const Grant>, WallTime>;

// A refusal ends what was granted before; a broker or registry that is away does not (promise P9).
bool EndsEarlierGrants(DenialReason reason) {
  switch (reason) {
    case DenialReason::kCallerUnauthenticated:
    case DenialReason::kConnectorNotFound:
    case DenialReason::kAccessDenied:
    case DenialReason::kUpstreamRefused:
    case DenialReason::kInvalidRequest:
    case DenialReason::kDeniedByOperator:
    case DenialReason::kUnspecified:
      return true;
    case DenialReason::kSecretUnavailable:
    case DenialReason::kUpstreamUnavailable:
    case DenialReason::kUpstreamTimeout:
    case DenialReason::kRateLimited:
    case DenialReason::kAuditUnavailable:
    case DenialReason::kIdentityUnavailable:
    case DenialReason::kBrokerUnavailable:
      return false;
  }
  return true;
}

// Its two ends as one.
Grants::Validity ValidityOf(const Grant& grant) {
  return {WallTime::min(),
          std::min<WallTime>(grant.authorization_not_after, grant.not_after - kMinCredentialLife)};
}

}  // namespace

TokenHash HashToken(std::string_view token) {
  TokenHash hash{};
  EVP_Digest(token.data(),
             token.size(),
             reinterpret_cast<unsigned char*>(hash.data()),
             nullptr,
             EVP_sha256(),
             nullptr);
  return hash;
}

std::string CacheKey(const GrantRequest& grant_request, const TokenHash& caller) {
  // No part may hold a NUL, so that two different asks never join to one key.
  std::string key(caller.data(), caller.size());
  key.append(grant_request.connector.ns).push_back('\0');
  key.append(grant_request.connector.name).push_back('\0');
  key.append(grant_request.upstream_host).push_back('\0');
  for (const ::connector::oci::Scope& scope : grant_request.scopes) {
    key.append(scope.repository).push_back('\0');
    key.push_back(static_cast<char>(scope.actions.bits()));
  }
  return key;
}

struct GrantCache::Shard {
  explicit Shard(std::size_t max_grants) : grants(max_grants) {}

  mutable std::mutex mutex;
  Grants grants;
  Flights flights;
};

struct GrantCache::State {
  State(Issuer& broker, std::size_t max_entries) : issuer(broker) {
    for (std::size_t i = 0; i < kShards; ++i) {
      shards.emplace_back(max_entries / kShards + 1);
    }
  }

  Shard& ShardOf(const std::string& key) { return shards[std::hash<std::string>{}(key) % kShards]; }
  void Complete(const std::string& key, GrantResult outcome);

  Issuer& issuer;
  std::deque<Shard> shards;
  std::atomic<std::uint64_t> hits{0};
  std::atomic<std::uint64_t> misses{0};
  std::atomic<std::uint64_t> refreshes{0};
};

void GrantCache::State::Complete(const std::string& key, GrantResult outcome) {
  Shard& shard = ShardOf(key);
  std::shared_ptr<Flights::Call> ended;
  {
    const std::lock_guard lock(shard.mutex);
    ended = shard.flights.Complete(key);
    const auto* const grant = std::get_if<std::shared_ptr<const Grant>>(&outcome);
    if (grant != nullptr && !(*grant)->single_use) {
      shard.grants.Put(key, *grant, ValidityOf(**grant));
    } else if (const auto* denial = std::get_if<GrantDenial>(&outcome);
               denial != nullptr && EndsEarlierGrants(denial->reason)) {
      shard.grants.Erase(key);
    }
  }
  ended->Set(std::move(outcome));
}

GrantCache::GrantCache(Issuer& issuer, std::size_t max_entries)
    : state_(std::make_shared<State>(issuer, max_entries)) {}

GrantCache::~GrantCache() = default;

std::shared_ptr<const Grant> GrantCache::Find(const std::string& key,
                                              WallTime now,
                                              bool& refresh_due) {
  Shard& shard = state_->ShardOf(key);
  std::shared_ptr<const Grant> grant;
  {
    const std::lock_guard lock(shard.mutex);
    if (const auto* const found = shard.grants.Find(key, now)) {
      grant = *found;
      refresh_due =
          now + kRefreshAhead > std::min(grant->authorization_not_after, grant->not_after) &&
          !shard.flights.under_way(key);
    }
  }
  (grant ? state_->hits : state_->misses).fetch_add(1, std::memory_order_relaxed);
  return grant;
}

void GrantCache::Start(const std::string& key, GrantRequest grant_request) {
  state_->issuer.Issue(std::move(grant_request), [state = state_, key](GrantResult outcome) {
    state->Complete(key, std::move(outcome));
  });
}

Task<GrantResult> GrantCache::Fetch(std::string key, GrantRequest grant_request) {
  while (true) {
    std::shared_ptr<Flights::Call> call;
    bool start = false;
    {
      Shard& shard = state_->ShardOf(key);
      const std::lock_guard lock(shard.mutex);
      call = shard.flights.Join(key);
      start = call == nullptr;
      if (start) {
        call = shard.flights.Start(key);
      }
    }
    if (start) {
      Start(key, grant_request);
    }
    std::optional<GrantResult> outcome = co_await Flights::Call::Wait(call, Deadline::max());
    const auto* const grant = std::get_if<std::shared_ptr<const Grant>>(&*outcome);
    // A single-use token serves one request; the others go round again.
    if (grant == nullptr || !(*grant)->single_use || call->TakeOnce()) {
      co_return *std::move(outcome);
    }
  }
}

void GrantCache::Refresh(std::string key, GrantRequest grant_request) {
  {
    Shard& shard = state_->ShardOf(key);
    const std::lock_guard lock(shard.mutex);
    if (shard.flights.under_way(key)) {
      return;
    }
    shard.flights.Start(key);
  }
  state_->refreshes.fetch_add(1, std::memory_order_relaxed);
  Start(key, std::move(grant_request));
}

void GrantCache::Drop(const std::string& key, const std::shared_ptr<const Grant>& grant) {
  Shard& shard = state_->ShardOf(key);
  const std::lock_guard lock(shard.mutex);
  const auto* const found = shard.grants.FindAny(key);
  if (found != nullptr && *found == grant) {
    shard.grants.Erase(key);
  }
}

void GrantCache::EvictExpired(WallTime now) {
  for (Shard& shard : state_->shards) {
    const std::lock_guard lock(shard.mutex);
    shard.grants.EraseEnded(now);
  }
}

CacheStats GrantCache::Stats() const {
  CacheStats stats{state_->hits.load(), state_->misses.load(), state_->refreshes.load(), 0};
  for (const Shard& shard : state_->shards) {
    const std::lock_guard lock(shard.mutex);
    stats.entries += shard.grants.size();
  }
  return stats;
}

}  // namespace connector::dataplane::token
