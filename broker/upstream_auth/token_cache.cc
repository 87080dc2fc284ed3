#include "broker/upstream_auth/token_cache.h"

#include <algorithm>

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
  const auto found = slots_.find(key);
  if (found == slots_.end() || found->second.token->not_after <= now) {
    return {};
  }
  const Slot& slot = found->second;
  if (now >= slot.low_at) {
    return {slot.token, Freshness::kLow};
  }
  return {slot.token, now >= slot.refresh_at ? Freshness::kRefresh : Freshness::kFresh};
}

void TokenCache::Put(const TokenCacheKey& key, TokenPointer token, WallTime now, double random) {
  if (token->single_use || token->not_after <= now) {
    return;
  }
  if (!slots_.contains(key) && slots_.size() >= max_entries_) {
    MakeRoom(now);
  }
  const WallTime::duration life = token->not_after - now;
  const double share = kRefreshShare * (1 + kRefreshJitter * (2 * random - 1));
  const auto ahead = std::chrono::duration_cast<WallTime::duration>(
      std::chrono::duration<double, WallTime::period>(life) * share);
  const WallTime::duration least = std::min<WallTime::duration>(kLeastLife, life / 4);
  Slot slot{token, token->not_after - ahead, token->not_after - least};
  slots_.insert_or_assign(key, std::move(slot));
}

void TokenCache::KeepToTheEnd(const TokenCacheKey& key) {
  if (const auto found = slots_.find(key); found != slots_.end()) {
    found->second.refresh_at = found->second.low_at;
  }
}

void TokenCache::MakeRoom(WallTime now) {
  std::erase_if(slots_, [now](const auto& item) { return item.second.token->not_after <= now; });
  if (slots_.size() < max_entries_) {
    return;
  }
  std::vector<WallTime> ends;
  ends.reserve(slots_.size());
  for (const auto& [key, slot] : slots_) {
    ends.push_back(slot.token->not_after);
  }
  // Drops several at once, so that a full cache is not searched at every Put.
  const auto cut = ends.begin() + static_cast<std::ptrdiff_t>(ends.size() / 16);
  std::nth_element(ends.begin(), cut, ends.end());
  const WallTime limit = *cut;
  std::size_t left = ends.size() / 16 + 1;
  std::erase_if(slots_, [&](const auto& item) {
    return left > 0 && item.second.token->not_after <= limit && left-- > 0;
  });
}

}  // namespace connector::broker::upstream_auth
