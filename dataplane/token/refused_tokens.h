#pragma once

// RefusedTokens: spares the broker tokens that it will refuse. A token that it refused a moment ago
// is refused from memory. An address that sends many others that are refused may bring no more new
// ones for a while; tokens that were accepted before are asked about whatever their address does.
//
// Only what the broker says of the token itself counts, and never that it could not be asked.
// Thread-safe; used where no grant is at hand, so not on the hot path.

#include "common/base/clock.h"
#include "common/connections/client_address.h"
#include "common/resilience/expiring_cache.h"
#include "common/resilience/token_bucket.h"
#include "dataplane/token/grant_cache.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>

namespace connector::dataplane::token {

// Short: a token whose nbf is a moment ahead, or whose issuer's new key is being learned, becomes
// good without doing anything.
inline constexpr std::chrono::seconds kRefusedFor{5};
// For which lane a token takes, and for no right.
inline constexpr std::chrono::hours kAcceptedFor{1};
inline constexpr std::size_t kMaxRefusedTokens = 16384;
inline constexpr std::size_t kMaxAcceptedTokens = 65536;
inline constexpr std::size_t kMaxRefusedAddresses = 16384;
inline constexpr std::uint32_t kRefusalsPerSecond = 10;  // Of one address, with a burst of:
inline constexpr std::uint32_t kRefusalBurstSeconds = 10;

class RefusedTokens {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // Who sends what, at its time.
  struct Sent {
    connections::ClientAddress address;
    TokenHash token;
    Time at;
  };

  explicit RefusedTokens(std::uint32_t per_second = kRefusalsPerSecond);

  enum class Answer : std::uint8_t {
    kAsk,
    kRefused,      // The broker refused this token a moment ago.
    kAddressFull,  // Wait for `retry_after`.
  };
  struct Decision {
    Answer answer = Answer::kAsk;
    std::chrono::seconds retry_after{0};
  };
  [[nodiscard]] Decision Decide(const Sent& sent);

  // What the broker said of the token.
  void Refused(const Sent& sent);
  void Accepted(const Sent& sent);

 private:
  // What is kept of a token tells nothing to who reads it elsewhere: its key is of this process.
  [[nodiscard]] std::string KeyOf(const TokenHash& token) const;

  const double per_second_;
  const double burst_;
  const std::string key_;
  std::mutex mutex_;
  resilience::ExpiringCache<std::string, bool, Time> refused_{kMaxRefusedTokens};
  resilience::ExpiringCache<std::string, bool, Time> accepted_{kMaxAcceptedTokens};
  resilience::ExpiringCache<connections::ClientAddress, resilience::TokenBucket, Time> addresses_{
      kMaxRefusedAddresses};
};

}  // namespace connector::dataplane::token
