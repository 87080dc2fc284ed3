#pragma once

// Parses the WWW-Authenticate challenges that a registry or token service sends with a 401.
//
// Pure: no I/O, no clock. The broker reads a challenge to know where to ask for a token. A realm is
// chosen by the other side, so whether it may be contacted is decided by the broker's egress policy
// and never here; the same holds for the scope, which the broker does not use at all.
// Rule source: RFC 9110 sections 5.3, 5.6 and 11.3; RFC 6750 section 3.

#include "common/base/result.h"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace connector::oci {

struct BasicChallenge {
  std::string realm;

  bool operator==(const BasicChallenge&) const = default;
};

struct BearerChallenge {
  std::string realm;    // Absolute URL of the token endpoint, as sent.
  std::string service;  // Empty when the registry sent none.
  std::string scope;    // Space-separated scopes, as sent; empty when absent.

  bool operator==(const BearerChallenge&) const = default;
};

using Challenge = std::variant<BasicChallenge, BearerChallenge>;

// More bytes in all lines together are refused before parsing.
inline constexpr std::size_t kMaxChallengeBytes = 8192;

// The Basic and Bearer challenges in the values of all WWW-Authenticate lines of one answer, in
// their order. One line may hold a list. Schemes and parameter names match in any case.
//
// Skips other schemes and unknown parameters. Parameters may be separated by blanks alone; of one
// that is given twice the first counts. Fails with kInvalidArgument/kUpstream when the lines
// exceed kMaxChallengeBytes, do not follow the grammar, hold a control character, when a challenge
// has two realms or services that differ, a Basic or Bearer challenge lacks a realm, or no known
// challenge is left.
[[nodiscard]] Result<std::vector<Challenge>> ParseChallenges(
    std::span<const std::string_view> lines);
[[nodiscard]] Result<std::vector<Challenge>> ParseChallenges(std::string_view line);

}  // namespace connector::oci
