#pragma once

// Verifies a token with an issuer's keys and returns the Caller. Every verifier shares these
// checks, in one order: signature, claims, subject. Pure. Internal to broker/callers.

#include "broker/callers/audience.h"
#include "broker/callers/caller_verifier.h"
#include "common/base/clock.h"
#include "common/base/result.h"
#include "common/jose/claims.h"
#include "common/jose/jwk_set.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace connector::broker::callers {

// What `sub` of an issuer's tokens may mean. An issuer that could name ServiceAccounts without
// being trusted to do so could act as any of them.
enum class SubjectRule : std::uint8_t {
  kNeverServiceAccount,   // It is text, whatever it looks like.
  kMaybeServiceAccount,   // system:serviceaccount:NS:NAME names one; other subjects are text.
  kAlwaysServiceAccount,  // A cluster's own issuer: anything else is refused.
};

// Whose ServiceAccounts an issuer names.
enum class ClusterRule : std::uint8_t { kOtherCluster, kOwnCluster };

struct TokenRules {
  std::string issuer;
  std::string audience;
  SubjectRule subject = SubjectRule::kNeverServiceAccount;
  ClusterRule cluster = ClusterRule::kOtherCluster;
  bool require_connector_audience = false;  // AUDIENCE/NAMESPACE/NAME alone is accepted.
};

// Fails with kUnauthenticated, one message per check; with kNotFound when no key of `keys` is the
// one that the token names, so that a verifier may fetch newer keys before it refuses.
[[nodiscard]] Result<Caller> CheckToken(std::string_view token,
                                        const jose::JwkSet& keys,
                                        const TokenRules& rules,
                                        WallTime now);

// Checks issuer, audience and times of `claims`, whoever has verified them.
[[nodiscard]] Result<OurAudiences> CheckRules(const jose::Claims& claims,
                                              const TokenRules& rules,
                                              WallTime now);

// kNotFound of CheckToken as what it is to the caller.
[[nodiscard]] Error AsUnauthenticated(Error error);

// "system:serviceaccount:NS:NAME" with a Kubernetes namespace and name; nullopt for other text.
[[nodiscard]] std::optional<ServiceAccount> ParseServiceAccount(std::string_view subject);
[[nodiscard]] bool LooksLikeServiceAccount(std::string_view subject);

}  // namespace connector::broker::callers
