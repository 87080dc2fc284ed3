#include "broker/callers/verified_cache.h"

#include <cstring>
#include <utility>

namespace connector::broker::callers {

std::size_t VerifiedCache::Hash::operator()(const TokenDigest& digest) const noexcept {
  std::size_t hash = 0;
  std::memcpy(&hash, digest.data() + 8, sizeof hash);  // Every part of a digest is equally random.
  return hash;
}

std::shared_ptr<const Caller> VerifiedCache::Find(const TokenDigest& digest, WallTime now) {
  Shard& shard = ShardOf(digest);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.entries.find(digest);
  if (found == shard.entries.end() || now < found->second.from || now >= found->second.until) {
    return nullptr;
  }
  return found->second.caller;
}

void VerifiedCache::Put(const TokenDigest& digest, Caller caller, WallTime now, WallTime until) {
  Entry entry{std::make_shared<const Caller>(std::move(caller)), now, until};
  Shard& shard = ShardOf(digest);
  const std::lock_guard lock(shard.mutex);
  const auto [place, added] = shard.entries.insert_or_assign(digest, std::move(entry));
  if (!added) {
    return;
  }
  shard.order.push_back(digest);
  if (shard.order.size() > kVerifiedCacheEntriesPerShard) {
    shard.entries.erase(shard.order.front());
    shard.order.pop_front();
  }
}

std::size_t VerifiedCache::size() {
  std::size_t total = 0;
  for (Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    total += shard.entries.size();
  }
  return total;
}

}  // namespace connector::broker::callers
