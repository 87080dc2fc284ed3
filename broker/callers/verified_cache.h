#pragma once

// VerifiedCache: callers that were verified a moment ago, by the SHA-256 of their whole token. It
// holds no token, and no refusal: a token that failed is checked in full each time. Internal to
// broker/callers.
//
// Bounded twice: each entry by its time, the cache by its number. Sharded, since every request of
// every thread passes here.

#include "broker/callers/caller_verifier.h"
#include "common/base/clock.h"
#include "common/resilience/expiring_cache.h"

#include <array>
#include <cstddef>
#include <memory>
#include <mutex>

namespace connector::broker::callers {

using TokenDigest = std::array<unsigned char, 32>;

inline constexpr std::size_t kVerifiedCacheShards = 16;
inline constexpr std::size_t kVerifiedCacheEntriesPerShard = 1024;

// Thread-safe.
class VerifiedCache {
 public:
  // Null when the token is not known or its time is over.
  [[nodiscard]] std::shared_ptr<const Caller> Find(const TokenDigest& digest, WallTime now);
  // `now` and `until` bracket when the entry may be used: a clock set back makes it useless.
  void Put(const TokenDigest& digest, Caller caller, WallTime now, WallTime until);

 private:
  struct Shard {
    std::mutex mutex;
    resilience::ExpiringCache<TokenDigest, std::shared_ptr<const Caller>, WallTime> entries{
        kVerifiedCacheEntriesPerShard};
  };

  Shard& ShardOf(const TokenDigest& digest) { return shards_[digest[0] % kVerifiedCacheShards]; }

  std::array<Shard, kVerifiedCacheShards> shards_;
};

}  // namespace connector::broker::callers
