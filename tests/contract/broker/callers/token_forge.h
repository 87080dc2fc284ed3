#pragma once

// Makes tokens for tests, good and forged, with OpenSSL alone: the code under test reads them with
// another library, so that the two cannot be wrong together.

#include <openssl/types.h>

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace connector::testing_support {

class SigningKey {
 public:
  static SigningKey Ec(const char* curve = "P-256");
  static SigningKey Rsa(unsigned bits = 2048);

  // The public half as a JWK. `extra` are more members as JSON text: `,"use":"sig"`.
  [[nodiscard]] std::string PublicJwk(std::string_view kid, std::string_view extra = "") const;
  [[nodiscard]] std::string PublicPem() const;

  // A JOSE signature: ES256/384/512 as r and s, RS256/384/512, PS256/384/512.
  [[nodiscard]] std::string Sign(std::string_view alg, std::string_view bytes) const;

 private:
  explicit SigningKey(EVP_PKEY* key);
  std::shared_ptr<EVP_PKEY> key_;
};

[[nodiscard]] std::string Jwks(std::initializer_list<std::string> keys);

// A header with alg and kid, and `extra` members as JSON text.
[[nodiscard]] std::string Header(std::string_view alg,
                                 std::string_view kid,
                                 std::string_view extra = "");

// A token with this header and payload, both JSON text, signed as `alg` says; the header may lie.
[[nodiscard]] std::string Forge(const SigningKey& key,
                                std::string_view alg,
                                std::string_view header,
                                std::string_view payload);
// The same, with any bytes as signature.
[[nodiscard]] std::string ForgeUnsigned(std::string_view header,
                                        std::string_view payload,
                                        std::string_view signature);
[[nodiscard]] std::string Sha256(std::string_view bytes);
[[nodiscard]] std::string HmacSha256(std::string_view key, std::string_view bytes);

// A payload as an ordered list of members, each value as JSON text.
class Payload {
 public:
  Payload& Set(std::string name, std::string json);  // Adds, or replaces the first of that name.
  Payload& Remove(std::string_view name);
  Payload& Repeat(std::string name, std::string json);  // Adds, though it may be there already.
  [[nodiscard]] std::string Json() const;

 private:
  std::vector<std::pair<std::string, std::string>> members_;
};

}  // namespace connector::testing_support
