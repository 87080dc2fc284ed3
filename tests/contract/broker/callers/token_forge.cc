#include "tests/contract/broker/callers/token_forge.h"

#include "common/base/encoding.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace connector::testing_support {
namespace {

void Check(bool ok) {
  if (!ok) {
    throw std::runtime_error("OpenSSL failed in a test");
  }
}

std::string Number(const EVP_PKEY* key, const char* name, std::size_t bytes = 0) {
  BIGNUM* number = nullptr;
  Check(EVP_PKEY_get_bn_param(key, name, &number) == 1);
  const auto size = std::max(bytes, static_cast<std::size_t>(BN_num_bytes(number)));
  std::string out(size, '\0');
  Check(BN_bn2binpad(
            number, reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(size)) >= 0);
  BN_free(number);
  return Base64UrlEncode(out);
}

std::size_t CoordinateBytes(const EVP_PKEY* key) {
  return (static_cast<std::size_t>(EVP_PKEY_get_bits(key)) + 7) / 8;
}

// r and s, each as long as the field, instead of OpenSSL's DER (RFC 7518 section 3.4).
std::string DerToJose(const std::string& der, std::size_t coordinate) {
  const auto* data = reinterpret_cast<const unsigned char*>(der.data());
  ECDSA_SIG* signature = d2i_ECDSA_SIG(nullptr, &data, static_cast<long>(der.size()));
  Check(signature != nullptr);
  std::string out(2 * coordinate, '\0');
  auto* bytes = reinterpret_cast<unsigned char*>(out.data());
  const int size = static_cast<int>(coordinate);
  Check(BN_bn2binpad(ECDSA_SIG_get0_r(signature), bytes, size) == size);
  Check(BN_bn2binpad(ECDSA_SIG_get0_s(signature), bytes + coordinate, size) == size);
  ECDSA_SIG_free(signature);
  return out;
}

const EVP_MD* DigestOf(std::string_view alg) {
  return alg.ends_with("512") ? EVP_sha512() : alg.ends_with("384") ? EVP_sha384() : EVP_sha256();
}

}  // namespace

SigningKey::SigningKey(EVP_PKEY* key) : key_(key, &EVP_PKEY_free) {
  Check(key != nullptr);
}

SigningKey SigningKey::Ec(const char* curve) {
  return SigningKey(EVP_EC_gen(curve));
}

SigningKey SigningKey::Rsa(unsigned bits) {
  return SigningKey(EVP_RSA_gen(bits));
}

std::string SigningKey::PublicJwk(std::string_view kid, std::string_view extra) const {
  std::string out = "{";
  if (EVP_PKEY_is_a(key_.get(), "RSA") == 1) {
    out += R"("kty":"RSA","n":")" + Number(key_.get(), OSSL_PKEY_PARAM_RSA_N) + R"(","e":")" +
           Number(key_.get(), OSSL_PKEY_PARAM_RSA_E) + '"';
  } else {
    const std::size_t bytes = CoordinateBytes(key_.get());
    const char* curve = bytes == 32 ? "P-256" : bytes == 48 ? "P-384" : "P-521";
    out += R"("kty":"EC","crv":")" + std::string(curve) + R"(","x":")" +
           Number(key_.get(), OSSL_PKEY_PARAM_EC_PUB_X, bytes) + R"(","y":")" +
           Number(key_.get(), OSSL_PKEY_PARAM_EC_PUB_Y, bytes) + '"';
  }
  if (!kid.empty()) {
    out += R"(,"kid":")" + std::string(kid) + '"';
  }
  return out + std::string(extra) + "}";
}

std::string SigningKey::PublicPem() const {
  BIO* bio = BIO_new(BIO_s_mem());
  Check(PEM_write_bio_PUBKEY(bio, key_.get()) == 1);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string out(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return out;
}

std::string SigningKey::Sign(std::string_view alg, std::string_view bytes) const {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  EVP_PKEY_CTX* parameters = nullptr;
  Check(EVP_DigestSignInit(context, &parameters, DigestOf(alg), nullptr, key_.get()) == 1);
  if (alg.starts_with("PS")) {
    Check(EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1);
    Check(EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) == 1);
  }
  const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
  std::size_t size = 0;
  Check(EVP_DigestSign(context, nullptr, &size, data, bytes.size()) == 1);
  std::string out(size, '\0');
  Check(EVP_DigestSign(
            context, reinterpret_cast<unsigned char*>(out.data()), &size, data, bytes.size()) == 1);
  out.resize(size);
  EVP_MD_CTX_free(context);
  return EVP_PKEY_is_a(key_.get(), "EC") == 1 ? DerToJose(out, CoordinateBytes(key_.get())) : out;
}

std::string Jwks(std::initializer_list<std::string> keys) {
  std::string out;
  for (const std::string& key : keys) {
    out += (out.empty() ? "" : ",") + key;
  }
  return R"({"keys":[)" + out + "]}";
}

std::string Header(std::string_view alg, std::string_view kid, std::string_view extra) {
  return R"({"alg":")" + std::string(alg) + R"(","kid":")" + std::string(kid) + '"' +
         std::string(extra) + "}";
}

std::string Forge(const SigningKey& key,
                  std::string_view alg,
                  std::string_view header,
                  std::string_view payload) {
  const std::string input = Base64UrlEncode(header) + "." + Base64UrlEncode(payload);
  return input + "." + Base64UrlEncode(key.Sign(alg, input));
}

std::string ForgeUnsigned(std::string_view header,
                          std::string_view payload,
                          std::string_view signature) {
  return Base64UrlEncode(header) + "." + Base64UrlEncode(payload) + "." +
         Base64UrlEncode(signature);
}

std::string Sha256(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  EVP_Digest(bytes.data(), bytes.size(), out.data(), &size, EVP_sha256(), nullptr);
  return {reinterpret_cast<const char*>(out.data()), size};
}

std::string HmacSha256(std::string_view key, std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  HMAC(EVP_sha256(),
       key.data(),
       static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(bytes.data()),
       bytes.size(),
       out.data(),
       &size);
  return {reinterpret_cast<const char*>(out.data()), size};
}

Payload& Payload::Set(std::string name, std::string json) {
  const auto found = std::find_if(
      members_.begin(), members_.end(), [&](const auto& member) { return member.first == name; });
  if (found == members_.end()) {
    return Repeat(std::move(name), std::move(json));
  }
  found->second = std::move(json);
  return *this;
}

Payload& Payload::Remove(std::string_view name) {
  std::erase_if(members_, [&](const auto& member) { return member.first == name; });
  return *this;
}

Payload& Payload::Repeat(std::string name, std::string json) {
  members_.emplace_back(std::move(name), std::move(json));
  return *this;
}

std::string Payload::Json() const {
  std::string out;
  for (const auto& [name, json] : members_) {
    out += (out.empty() ? "\"" : ",\"") + name + "\":" + json;
  }
  return "{" + out + "}";
}

}  // namespace connector::testing_support
