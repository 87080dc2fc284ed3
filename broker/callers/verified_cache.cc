#include "broker/callers/verified_cache.h"

#include <utility>

namespace connector::broker::callers {

std::shared_ptr<const Caller> VerifiedCache::Find(const TokenDigest& digest, WallTime now) {
  Shard& shard = ShardOf(digest);
  const std::lock_guard lock(shard.mutex);
  const auto* const found = shard.entries.Find(digest, now);
  return found == nullptr ? nullptr : *found;
}

void VerifiedCache::Put(const TokenDigest& digest, Caller caller, WallTime now, WallTime until) {
  auto kept = std::make_shared<const Caller>(std::move(caller));
  Shard& shard = ShardOf(digest);
  const std::lock_guard lock(shard.mutex);
  shard.entries.Put(digest, std::move(kept), {now, until});
}

}  // namespace connector::broker::callers
