#include "broker/secrets/version_digest.h"

#include "common/base/encoding.h"
#include "common/crypto/digest.h"
#include "common/crypto/random_bytes.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <array>
#include <memory>
#include <stdexcept>

namespace connector::broker::secrets {
namespace {

constexpr std::size_t kKeyBytes = 32;  // AES-256

using Block = std::array<unsigned char, crypto::kSha256Bytes>;

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};

void AppendSized(std::string& out, std::string_view value) {
  out.append(std::to_string(value.size())).append(":").append(value);
}

enum class Direction : int { kDecrypt = 0, kEncrypt = 1 };

// Whole blocks of a digest, so that no two of them are equal: ECB shows nothing of such text, and
// equal digests have equal versions.
Block Permute(Direction direction, const Secret& key, const Block& in) {
  Block out{};
  int size = 0;
  const std::unique_ptr<EVP_CIPHER_CTX, FreeContext> context(EVP_CIPHER_CTX_new());
  if (context == nullptr ||
      EVP_CipherInit_ex2(context.get(),
                         EVP_aes_256_ecb(),
                         reinterpret_cast<const unsigned char*>(key.Reveal().data()),
                         nullptr,
                         static_cast<int>(direction),
                         nullptr) != 1 ||
      EVP_CIPHER_CTX_set_padding(context.get(), 0) != 1 ||
      EVP_CipherUpdate(context.get(), out.data(), &size, in.data(), static_cast<int>(in.size())) !=
          1 ||
      static_cast<std::size_t>(size) != out.size()) {
    throw std::runtime_error("AES-256 is not available");
  }
  return out;
}

std::string_view TextOf(const Block& block) {
  return {reinterpret_cast<const char*>(block.data()), block.size()};
}

}  // namespace

Secret MakeVersionKey() {
  std::array<unsigned char, kKeyBytes> bytes{};
  if (!crypto::FillRandomBytes(bytes)) {
    throw std::runtime_error("the system has no random bytes to give");
  }
  Secret key(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  OPENSSL_cleanse(bytes.data(), bytes.size());
  return key;
}

VersionDigest::VersionDigest(std::string_view version_key)
    : key_(crypto::HkdfSha256(version_key, "secret-version", kKeyBytes)) {}

std::string VersionDigest::Of(std::string_view type,
                              const std::map<std::string, Secret>& data) const {
  // A digest of the values' digests, so that no second copy of a value is made.
  std::string text;
  AppendSized(text, type);
  for (const auto& [key, value] : data) {
    AppendSized(text, key);
    AppendSized(text, crypto::Sha256(value.Reveal()));
  }
  std::string version = VersionOf(text);
  OPENSSL_cleanse(text.data(), text.size());
  return version;
}

std::string VersionDigest::OfPlace(std::string_view place) const {
  std::string text = "place";
  AppendSized(text, place);
  return VersionOf(text);
}

std::string VersionDigest::VersionOf(std::string_view text) const {
  std::string digest = crypto::Sha256(text);
  Block block{};
  digest.copy(reinterpret_cast<char*>(block.data()), block.size());
  const Block version = Permute(Direction::kEncrypt, key_, block);
  OPENSSL_cleanse(digest.data(), digest.size());
  OPENSSL_cleanse(block.data(), block.size());
  return HexEncode(TextOf(version));
}

Secret VersionDigest::Fingerprint(std::string_view version) const {
  Block bytes{};
  if (version.size() != 2 * bytes.size() ||
      version.find_first_not_of("0123456789abcdef") != std::string_view::npos) {
    return {};
  }
  std::size_t size = 0;
  OPENSSL_hexstr2buf_ex(bytes.data(), bytes.size(), &size, std::string(version).c_str(), '\0');
  Block digest = Permute(Direction::kDecrypt, key_, bytes);
  Secret fingerprint(TextOf(digest));
  OPENSSL_cleanse(digest.data(), digest.size());
  return fingerprint;
}

}  // namespace connector::broker::secrets
