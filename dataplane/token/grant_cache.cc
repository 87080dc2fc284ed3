#include "dataplane/token/grant_cache.h"

#include "common/resilience/single_flight.h"

#include <openssl/evp.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace connector::dataplane::token {
namespace {

constexpr std::size_t kShards = 16;

using Flights = resilience::SingleFlightGroup<std::string, GrantResult>;

struct StringHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>{}(text);
  }
};

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

bool Usable(const Grant& grant, WallTime now) {
  return now < grant.authorization_not_after && now + kMinCredentialLife < grant.not_after;
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
  mutable std::mutex mutex;
  std::unordered_map<std::string, std::shared_ptr<const Grant>, StringHash, std::equal_to<>> grants;
  Flights flights;
};

struct GrantCache::State {
  State(Issuer& broker, std::size_t max) : issuer(broker), max_per_shard(max / kShards + 1) {}

  Shard& ShardOf(std::string_view key) { return shards[StringHash{}(key) % kShards]; }
  void Complete(const std::string& key, GrantResult outcome);
  void Insert(Shard& shard, const std::string& key, std::shared_ptr<const Grant> grant) const;

  Issuer& issuer;
  std::size_t max_per_shard;
  std::array<Shard, kShards> shards;
  std::atomic<std::uint64_t> hits{0};
  std::atomic<std::uint64_t> misses{0};
  std::atomic<std::uint64_t> refreshes{0};
};

void GrantCache::State::Insert(Shard& shard,
                               const std::string& key,
                               std::shared_ptr<const Grant> grant) const {
  if (shard.grants.size() >= max_per_shard && !shard.grants.contains(key)) {
    shard.grants.erase(shard.grants.begin());  // Any: the next request of its owner asks again.
  }
  shard.grants.insert_or_assign(key, std::move(grant));
}

void GrantCache::State::Complete(const std::string& key, GrantResult outcome) {
  Shard& shard = ShardOf(key);
  std::shared_ptr<Flights::Call> ended;
  {
    const std::lock_guard lock(shard.mutex);
    ended = shard.flights.Complete(key);
    const auto* const grant = std::get_if<std::shared_ptr<const Grant>>(&outcome);
    if (grant != nullptr && !(*grant)->single_use) {
      Insert(shard, key, *grant);
    } else if (const auto* denial = std::get_if<GrantDenial>(&outcome);
               denial != nullptr && EndsEarlierGrants(denial->reason)) {
      shard.grants.erase(key);
    }
  }
  ended->Set(std::move(outcome));
}

GrantCache::GrantCache(Issuer& issuer, std::size_t max_entries)
    : state_(std::make_shared<State>(issuer, max_entries)) {}

GrantCache::~GrantCache() = default;

std::shared_ptr<const Grant> GrantCache::Find(std::string_view key,
                                              WallTime now,
                                              bool& refresh_due) {
  Shard& shard = state_->ShardOf(key);
  std::shared_ptr<const Grant> grant;
  {
    const std::lock_guard lock(shard.mutex);
    const auto it = shard.grants.find(key);
    if (it != shard.grants.end() && Usable(*it->second, now)) {
      grant = it->second;
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

void GrantCache::Drop(std::string_view key, const std::shared_ptr<const Grant>& grant) {
  Shard& shard = state_->ShardOf(key);
  const std::lock_guard lock(shard.mutex);
  const auto it = shard.grants.find(key);
  if (it != shard.grants.end() && it->second == grant) {
    shard.grants.erase(it);
  }
}

void GrantCache::EvictExpired(WallTime now) {
  for (Shard& shard : state_->shards) {
    const std::lock_guard lock(shard.mutex);
    std::erase_if(shard.grants, [now](const auto& entry) { return !Usable(*entry.second, now); });
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
