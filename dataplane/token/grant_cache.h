#pragma once

// GrantCache: the grants of one data plane, shared by its cores in shards. Keyed by who asks (a
// hash of the caller's token), for what (connector or mirror host, scopes), and compared whole. A
// miss asks the broker once, however many requests wait for it. A hit near its end is served while
// a new one is fetched.
//
// A grant serves only with the route of its epoch and the deny list that it was checked against
// (promise P6), which the caller of Find compares; it never serves past either of its two ends.

#include "common/async/task.h"
#include "dataplane/token/grant.h"
#include "dataplane/token/issuer.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace connector::dataplane::token {

inline constexpr std::chrono::seconds kRefreshAhead{
    20};  // Of the caller's right, which lasts 60 s.
inline constexpr std::chrono::seconds kMinCredentialLife{5};

struct CacheStats {
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::uint64_t refreshes = 0;
  std::size_t entries = 0;
};

// SHA-256 of a caller token.
using TokenHash = std::array<char, 32>;
[[nodiscard]] TokenHash HashToken(std::string_view token);

// The cache key of a GrantRequest: everything that decides its outcome, and no token.
[[nodiscard]] std::string CacheKey(const GrantRequest& grant_request, const TokenHash& caller);

// Thread-safe.
class GrantCache {
 public:
  GrantCache(Issuer& issuer, std::size_t max_entries);
  ~GrantCache();
  GrantCache(const GrantCache&) = delete;
  GrantCache& operator=(const GrantCache&) = delete;

  // The grant under `key` when it may be used at `now`; null otherwise. Never waits: the hot path.
  // `refresh_due` is set when a new one should be fetched in the background.
  [[nodiscard]] std::shared_ptr<const Grant> Find(const std::string& key,
                                                  WallTime now,
                                                  bool& refresh_due);

  // Asks the broker, joining a request under way for the same key, and keeps what it grants. Ends
  // when the issuer answers, which it does within its own timeout.
  // Resumes on the awaiting coroutine's executor.
  [[nodiscard]] Task<GrantResult> Fetch(std::string key, GrantRequest grant_request);

  // Starts a fetch whose outcome only fills the cache; one per key at a time.
  void Refresh(std::string key, GrantRequest grant_request);

  // Forgets `grant`, unless another took its place.
  void Drop(const std::string& key, const std::shared_ptr<const Grant>& grant);

  void EvictExpired(WallTime now);
  [[nodiscard]] CacheStats Stats() const;

 private:
  struct Shard;
  struct State;

  void Start(const std::string& key, GrantRequest grant_request);

  std::shared_ptr<State> state_;  // Outlives this object while the broker still owes an answer.
};

}  // namespace connector::dataplane::token
