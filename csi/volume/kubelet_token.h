#pragma once

// The pod's own tokens, as the kubelet hands them over (CSIDriver.spec.tokenRequests): a JSON
// object {AUDIENCE: {"token": ..., "expirationTimestamp": RFC 3339}}. Pure. Whether the token is
// any good is for the broker to say; nothing here looks into it.

#include "common/base/clock.h"
#include "common/base/connector_ref.h"
#include "common/base/result.h"
#include "common/base/secret.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace connector::csi::volume {

inline constexpr std::size_t kMaxTokenBytes = std::size_t{16} * 1024;

struct KubeletToken {
  Secret value;
  WallTime expires_at{};
};

// The tokens of one audience, and of those that narrow it to a Connector.
class KubeletTokens {
 public:
  void Add(std::string audience, KubeletToken token) {
    tokens_.insert_or_assign(std::move(audience), std::move(token));
  }
  // Null: the kubelet handed over none.
  [[nodiscard]] const KubeletToken* Find(const std::string& audience) const {
    const auto found = tokens_.find(audience);
    return found == tokens_.end() ? nullptr : &found->second;
  }

 private:
  std::map<std::string, KubeletToken> tokens_;
};

// Tokens of `audience` and of AUDIENCE/NAMESPACE/NAME. Fails with kInvalidArgument, also when there
// is none, and with kUnavailable when one ended before `now`; no message holds a part of `json`.
[[nodiscard]] Result<KubeletTokens> ParseKubeletTokens(std::string_view json,
                                                       const std::string& audience,
                                                       WallTime now);

// AUDIENCE/NAMESPACE/NAME.
[[nodiscard]] inline std::string NarrowedAudience(const std::string& audience,
                                                  const ConnectorRef& ref) {
  return audience + "/" + ref.ToString();
}

// "2026-11-24T12:34:56Z"; nullopt for any other form.
[[nodiscard]] std::optional<WallTime> ParseTimestamp(std::string_view text);

// Whether what the kubelet brings is to be written over what is mounted. A token that ends sooner
// is an older one: calls may come late and out of order, and must not put it back.
[[nodiscard]] inline bool ShouldReplaceToken(WallTime arriving, std::optional<WallTime> mounted) {
  return !mounted || arriving >= *mounted;
}

}  // namespace connector::csi::volume
