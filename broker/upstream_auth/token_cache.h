#pragma once

// TokenCache: keeps minted tokens by what they were minted for, and says how fresh each is. Pure:
// no clock, no I/O; the caller holds a lock. Never holds a single-use token.
//
// Divided by the connector's namespace: whoever writes a Connector chooses a token service, and
// with it how many tokens there are and how long they live.

#include "broker/upstream_auth/minter.h"
#include "common/resilience/expiring_cache.h"

#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace connector::broker::upstream_auth {

using TokenPointer = std::shared_ptr<const UpstreamToken>;

inline constexpr std::size_t kMaxCachedTokens = 16384;
// A token with less life left is not handed out while another can be had (a quarter of its life, if
// that is shorter).
inline constexpr std::chrono::seconds kLeastLife{10};
// From a third of its life before the end, a token is replaced ahead; the point is moved by up to a
// fifth of that either way, so that tokens of one moment are not all replaced in one moment.
inline constexpr double kRefreshShare = 1.0 / 3;
inline constexpr double kRefreshJitter = 0.2;

// Compared whole, never by a digest: a collision would hand out another identity's token.
struct TokenCacheKey {
  ConnectorRef connector;
  std::string mint_key;
  std::vector<oci::Scope> scopes;  // Sorted, one per repository.

  auto operator<=>(const TokenCacheKey&) const = default;
};

// Sorts, and joins the actions of one repository.
[[nodiscard]] std::vector<oci::Scope> Normalized(std::vector<oci::Scope> scopes);

enum class Freshness : std::uint8_t {
  kNone,     // Absent or expired.
  kLow,      // Valid, but too short: used only when no other can be minted.
  kRefresh,  // Good, and due to be replaced: mint the next one now.
  kFresh,
};

class TokenCache {
 public:
  explicit TokenCache(std::size_t max_entries = kMaxCachedTokens) : max_entries_(max_entries) {}

  struct Found {
    TokenPointer token;  // Null with kNone.
    Freshness freshness = Freshness::kNone;
  };
  [[nodiscard]] Found Find(const TokenCacheKey& key, WallTime now) const;

  // `random` is in [0, 1). A full cache drops expired tokens, else the one that expires first of
  // the namespace that has the most.
  void Put(const TokenCacheKey& key, TokenPointer token, WallTime now, double random);
  // A refresh ahead returned a token that cannot be cached: use this one until its end.
  void KeepToTheEnd(const TokenCacheKey& key);
  void Erase(const TokenCacheKey& key);

  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  struct Slot {
    TokenPointer token;
    WallTime refresh_at;
    WallTime low_at;
  };

  using Slots = resilience::ExpiringCache<TokenCacheKey, Slot, WallTime>;

  void MakeRoom(WallTime now);
  // Brings `size_` up to date after a change of the slots.
  void Counted(std::map<std::string, Slots>::iterator of, std::size_t before);

  std::size_t max_entries_;
  std::size_t size_ = 0;
  std::map<std::string, Slots> namespaces_;  // None is empty.
};

}  // namespace connector::broker::upstream_auth
