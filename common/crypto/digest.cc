#include "common/crypto/digest.h"

#include "common/base/encoding.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <memory>
#include <stdexcept>
#include <vector>

namespace connector::crypto {
namespace {

struct Free {
  void operator()(EVP_KDF* kdf) const { EVP_KDF_free(kdf); }
  void operator()(EVP_KDF_CTX* context) const { EVP_KDF_CTX_free(context); }
};

unsigned char* Bytes(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

OSSL_PARAM Octets(const char* name, std::string_view value) {
  // OpenSSL only reads a parameter that is passed in; its type has no const.
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast)
  return OSSL_PARAM_construct_octet_string(name, const_cast<char*>(value.data()), value.size());
}

}  // namespace

std::string Sha256(std::string_view bytes) {
  std::string out(kSha256Bytes, '\0');
  if (EVP_Digest(bytes.data(), bytes.size(), Bytes(out), nullptr, EVP_sha256(), nullptr) != 1) {
    throw std::runtime_error("SHA-256 is not available");
  }
  return out;
}

std::string Sha256Hex(std::string_view bytes) {
  return HexEncode(Sha256(bytes));
}

std::string HmacSha256(std::string_view key, std::string_view bytes) {
  std::string out(kSha256Bytes, '\0');
  std::size_t size = 0;
  const unsigned char* done = EVP_Q_mac(nullptr,
                                        "HMAC",
                                        nullptr,
                                        "SHA256",
                                        nullptr,
                                        key.data(),
                                        key.size(),
                                        Bytes(bytes),
                                        bytes.size(),
                                        Bytes(out),
                                        out.size(),
                                        &size);
  if (done == nullptr || size != kSha256Bytes) {
    throw std::runtime_error("HMAC-SHA-256 is not available");
  }
  return out;
}

Secret HkdfSha256(std::string_view root_key, std::string_view info, std::size_t size) {
  const std::unique_ptr<EVP_KDF, Free> kdf(EVP_KDF_fetch(nullptr, "HKDF", nullptr));
  const std::unique_ptr<EVP_KDF_CTX, Free> context(EVP_KDF_CTX_new(kdf.get()));
  std::string digest = "SHA256";
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest.data(), digest.size()),
      Octets(OSSL_KDF_PARAM_KEY, root_key),
      Octets(OSSL_KDF_PARAM_INFO, info),
      OSSL_PARAM_construct_end()};
  std::vector<unsigned char> key(size);
  const bool done =
      context != nullptr && EVP_KDF_derive(context.get(), key.data(), key.size(), params) == 1;
  Secret out(std::string_view(reinterpret_cast<const char*>(key.data()), key.size()));
  OPENSSL_cleanse(key.data(), key.size());
  if (!done) {
    throw std::runtime_error("HKDF-SHA-256 is not available");
  }
  return out;
}

}  // namespace connector::crypto
