#pragma once

// RequestDecision: what became of a request, as the access log's field `decision` says it.
// docs/logs.md is the same list for users; a test holds the two together.

#include <array>
#include <cstdint>
#include <string_view>

namespace connector::dataplane::server {

enum class RequestDecision : std::uint8_t {
  kUndecided,  // Never logged: every way through a request decides.
  kAllowed,
  kMalformed,
  kNoCredential,
  kDenied,
  kBrokerUnavailable,
  kRouteUnknown,
  kTooManyRequests,
  kSealRefused,
  kUpstreamRefused,
  kUpstreamFailed,
  kRedirectRefused,
  kInternal,
  kClientSilent,
  kClientGone,
  kCutByRegistry,
  kCutByClient,
};

inline constexpr std::array<std::string_view, 17> kRequestDecisionNames{
    "undecided",
    "allowed",
    "malformed",
    "no credential",
    "denied",
    "broker unavailable",
    "route not known yet",
    "too many requests",
    "upload session refused",
    "upstream refused",
    "upstream failed",
    "redirect refused",
    "internal",
    "the client sent nothing for too long",
    "the client went away",
    "cut by the registry",
    "cut by the client",
};

[[nodiscard]] constexpr std::string_view Name(RequestDecision decision) {
  return kRequestDecisionNames[static_cast<std::size_t>(decision)];
}

}  // namespace connector::dataplane::server
