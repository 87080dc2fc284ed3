#pragma once

// JwkSet: the public keys of one issuer (RFC 7517), each pinned to the algorithms that it may
// verify.
//
// Pinning is what makes a token's own "alg" harmless: the key decides, never the token (RFC 8725
// section 3.1). Only asymmetric signature keys are kept: a symmetric key, a key for encryption and
// a kind that nobody here knows are skipped, as RFC 7517 section 5 asks. Private members are
// dropped. Deliberately fetches nothing: where a set comes from is its caller's matter.

#include "common/base/result.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace connector::jose {

inline constexpr std::size_t kMaxJwksBytes = 256 * 1024;
inline constexpr std::size_t kMaxJwksKeys = 100;  // Counted before any is skipped.
// A token that names no key costs as many verifications.
inline constexpr std::size_t kMaxTriedKeys = 8;
inline constexpr std::size_t kMinRsaBits = 2048;
inline constexpr std::size_t kMaxRsaBits = 8192;  // A larger one is a way to burn our CPU.

// Immutable, cheap to copy, safe to use from any thread. Without keys when default-constructed.
class JwkSet {
 public:
  struct Key;  // Known to this library alone (cjose_key.h).
  struct Keys;

  JwkSet() = default;
  explicit JwkSet(std::shared_ptr<const Keys> keys) : keys_(std::move(keys)) {}

  [[nodiscard]] std::size_t size() const;

  // The keys that may verify a token with this header, each to be tried: some issuers give two keys
  // one kid, or name none. Never empty, at most kMaxTriedKeys, in the order of the set. Valid as
  // long as a copy of this set is.
  //
  // Without `kid`, those that are pinned to `alg`. Fails with kNotFound when no key has that kid
  // (or, without kid, that alg), so that the caller may look for newer keys; with kUnauthenticated
  // when none of that kid is pinned to `alg`.
  [[nodiscard]] Result<std::vector<const Key*>> Candidates(std::optional<std::string_view> kid,
                                                           std::string_view alg) const;

 private:
  std::shared_ptr<const Keys> keys_;
};

// Parses {"keys": [...]}.
//
// Pinned algorithms: the key's own "alg", else RS256/384/512 and PS256/384/512 for RSA, ES256 for
// P-256, ES384 for P-384, ES512 for P-521. A key is skipped when its kty or crv is not one of
// these, "use" is not "sig", "key_ops" lacks "verify", "alg" does not suit it, RSA is outside
// the sizes above or has an exponent below 3, a point is not on its curve, or a member is missing
// or malformed. Fails with kInvalidArgument for a limit above, another shape, or no key left.
[[nodiscard]] Result<JwkSet> ParseJwkSet(std::string_view json);

}  // namespace connector::jose
