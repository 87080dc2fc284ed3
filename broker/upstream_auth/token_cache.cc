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
  const auto of = namespaces_.find(key.connector.ns);
  const Slot* const found = of == namespaces_.end() ? nullptr : of->second.Find(key, now);
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
  Erase(key);
  if (size_ >= max_entries_) {
    MakeRoom(now);
  }
  const auto of = namespaces_.try_emplace(key.connector.ns, max_entries_).first;
  of->second.Put(key, std::move(slot), {WallTime::min(), token->not_after});
  ++size_;
}

void TokenCache::Counted(std::map<std::string, Slots>::iterator of, std::size_t before) {
  size_ -= before - of->second.size();
  if (of->second.size() == 0) {
    namespaces_.erase(of);
  }
}

void TokenCache::Erase(const TokenCacheKey& key) {
  const auto of = namespaces_.find(key.connector.ns);
  if (of != namespaces_.end()) {
    const std::size_t before = of->second.size();
    of->second.Erase(key);
    Counted(of, before);
  }
}

void TokenCache::MakeRoom(WallTime now) {
  for (auto it = namespaces_.begin(); it != namespaces_.end();) {
    const auto of = it++;
    const std::size_t before = of->second.size();
    of->second.EraseEnded(now);
    Counted(of, before);
  }
  if (size_ < max_entries_) {
    return;
  }
  const auto largest = std::max_element(
      namespaces_.begin(), namespaces_.end(), [](const auto& left, const auto& right) {
        return left.second.size() < right.second.size();
      });
  const std::size_t before = largest->second.size();
  largest->second.EraseFirst();
  Counted(largest, before);
}

void TokenCache::KeepToTheEnd(const TokenCacheKey& key) {
  const auto of = namespaces_.find(key.connector.ns);
  Slot* const slot = of == namespaces_.end() ? nullptr : of->second.FindAny(key);
  if (slot != nullptr) {
    slot->refresh_at = slot->low_at;
  }
}

}  // namespace connector::broker::upstream_auth
