#include "broker/upstream_auth/token_cache.h"

#include <algorithm>
#include <map>

namespace connector::broker::upstream_auth {

std::vector<oci::Scope> Normalized(std::vector<oci::Scope> scopes) {
  std::map<std::string, oci::ActionSet> by_repository;
  for (oci::Scope& scope : scopes) {
    oci::ActionSet& actions = by_repository[std::move(scope.repository)];
    for (const oci::Action action :
         {oci::Action::kPull, oci::Action::kPush, oci::Action::kDelete}) {
      if (scope.actions.Has(action)) {
        actions.Add(action);
      }
    }
  }
  scopes.clear();
  for (const auto& [repository, actions] : by_repository) {
    scopes.push_back({repository, actions});
  }
  return scopes;
}

TokenCache::Found TokenCache::Find(const TokenCacheKey& key, WallTime now) const {
  const Slot* const found = slots_.Find(key, now);
  if (found == nullptr) {
    return {};
  }
  const Slot& slot = *found;
  if (now >= slot.low_at) {
    return {slot.token, Freshness::kLow};
  }
  return {slot.token, now >= slot.refresh_at ? Freshness::kRefresh : Freshness::kFresh};
}

void TokenCache::Put(const TokenCacheKey& key, TokenPointer token, WallTime now, double random) {
  if (token->single_use || token->not_after <= now) {
    return;
  }
  const WallTime::duration life = token->not_after - now;
  const double share = kRefreshShare * (1 + kRefreshJitter * (2 * random - 1));
  const auto ahead = std::chrono::duration_cast<WallTime::duration>(
      std::chrono::duration<double, WallTime::period>(life) * share);
  const WallTime::duration least = std::min<WallTime::duration>(kLeastLife, life / 4);
  Slot slot{token, token->not_after - ahead, token->not_after - least};
  // A token made while the clock was ahead is a token all the same.
  slots_.Put(key, std::move(slot), {WallTime::min(), token->not_after});
}

void TokenCache::KeepToTheEnd(const TokenCacheKey& key) {
  if (Slot* const slot = slots_.FindAny(key)) {
    slot->refresh_at = slot->low_at;
  }
}

}  // namespace connector::broker::upstream_auth
