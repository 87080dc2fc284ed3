#pragma once

// The pod's own tokens, as the kubelet hands them over (CSIDriver.spec.tokenRequests): a JSON
// object {AUDIENCE: {"token": ..., "expirationTimestamp": RFC 3339}}. Pure. Whether the token is
// any good is for the broker to say; nothing here looks into it.

#include "common/base/clock.h"
#include "common/base/result.h"
#include "common/base/secret.h"

#include <optional>
#include <string_view>

namespace connector::csi::volume {

inline constexpr std::string_view kAudience = "oci-connector";
inline constexpr std::size_t kMaxTokenBytes = std::size_t{16} * 1024;

struct KubeletToken {
  Secret value;
  WallTime expires_at{};
};

// The token of kAudience. Fails with kInvalidArgument, and kUnavailable when it ended before `now`;
// no message holds a part of `json`.
[[nodiscard]] Result<KubeletToken> ParseKubeletTokens(std::string_view json, WallTime now);

// "2026-11-24T12:34:56Z"; nullopt for any other form.
[[nodiscard]] std::optional<WallTime> ParseTimestamp(std::string_view text);

// Whether what the kubelet brings is to be written over what is mounted. A token that ends sooner
// is an older one: calls may come late and out of order, and must not put it back.
[[nodiscard]] inline bool ShouldReplaceToken(WallTime arriving, std::optional<WallTime> mounted) {
  return !mounted || arriving >= *mounted;
}

}  // namespace connector::csi::volume
