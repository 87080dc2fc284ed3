#pragma once

// Tokens that nobody may accept, each named after the rule that it breaks and otherwise good.

#include "tests/contract/broker/callers/token_forge.h"

#include <cstdint>
#include <string>
#include <vector>

namespace connector::testing_support {

inline constexpr const char* kTestIssuer = "https://issuer.example";
inline constexpr const char* kTestAudience = "oci-connector";
inline constexpr const char* kTestKid = "key-1";
inline constexpr const char* kTestSubject = "system:serviceaccount:ci:builder";

// The payload of a good token that was issued at `now` for an hour.
[[nodiscard]] Payload GoodPayload(std::int64_t now);
// The good token itself: ES256 by `key`, which the issuer publishes as kTestKid.
[[nodiscard]] std::string GoodToken(const SigningKey& key, std::int64_t now);

struct HostileToken {
  std::string rule;
  std::string token;
  std::string reason;  // What the log is to say.
};

// `key` is the issuer's P-256 key, published as kTestKid; nothing else is published.
[[nodiscard]] std::vector<HostileToken> HostileTokens(const SigningKey& key, std::int64_t now);

}  // namespace connector::testing_support
