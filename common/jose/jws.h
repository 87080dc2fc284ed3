#pragma once

// Signed tokens in the compact form (RFC 7515 section 7.1): verifying and making them.
//
// The key set decides which key and which algorithm; of the token's header only `alg` and `kid` are
// read, and only to look there. Keys and addresses inside a header (jwk, jku, x5u, x5c) choose
// nothing and nothing is ever fetched. What a payload means is claims.h's matter.

#include "common/base/result.h"
#include "common/base/secret.h"
#include "common/jose/jwk_set.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace connector::jose {

inline constexpr std::size_t kMaxJwsBytes = 64 * 1024;
inline constexpr std::size_t kMaxJwsHeaderBytes = 8 * 1024;  // Decoded.
inline constexpr std::size_t kMaxKeyIdBytes = 512;

// Returns the payload of a token that one key of `keys` has signed.
//
// Fails with kNotFound when the header names a key that `keys` does not hold (newer keys may), and
// with kUnauthenticated, one message per check, when: the token is over kMaxJwsBytes or not three
// base64url parts; the header is over its limit, not an object, or repeats a member; alg is missing
// or not the key's; typ or kid is not a string; crit or b64 stands there (RFC 7515 section 4.1.11
// asks to refuse what is not understood); or the signature is of the wrong length or wrong.
[[nodiscard]] Result<std::string> VerifyCompact(std::string_view token, const JwkSet& keys);

// Signs `payload` with a private JWK. The algorithm is the key's "alg", else RS256 for RSA and the
// one that belongs to the curve for EC. The header holds alg, typ "JWT", and `kid` unless empty.
//
// Fails with kInvalidArgument when the key does not parse, is not private, or cannot use that alg.
[[nodiscard]] Result<std::string> SignCompact(std::string_view private_jwk,
                                              std::string_view payload,
                                              std::string_view kid);

struct EcKey {
  Secret private_jwk;       // One JWK, with alg, kid and use.
  std::string public_jwks;  // {"keys": [...]} with its public half.
  std::string kid;          // RFC 7638 thumbprint.
};

// A new P-256 key for ES256.
[[nodiscard]] Result<EcKey> MakeEcKey();

}  // namespace connector::jose
