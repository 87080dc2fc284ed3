#include "common/crypto/seal.h"

#include "common/base/encoding.h"
#include "common/crypto/random_bytes.h"

#include <openssl/evp.h>

#include <memory>
#include <optional>

namespace connector::crypto {
namespace {

constexpr char kVersion = 1;
constexpr std::size_t kHeaderBytes = 1 + 4;
constexpr std::size_t kNonceBytes = 12;
constexpr std::size_t kTagBytes = 16;
constexpr std::size_t kMaxSealedBytes = 1024 * 1024;  // Far above any use; keeps lengths in an int.

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

const unsigned char* In(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

unsigned char* Out(std::string& bytes, std::size_t at) {
  return reinterpret_cast<unsigned char*>(bytes.data()) + at;
}

std::string Header(std::uint32_t key_id) {
  std::string header(1, kVersion);
  for (int shift = 24; shift >= 0; shift -= 8) {
    header.push_back(static_cast<char>((key_id >> shift) & 0xFFU));
  }
  return header;
}

std::uint32_t KeyId(std::string_view header) {
  std::uint32_t id = 0;
  for (const char byte : header.substr(1, 4)) {
    id = (id << 8U) | static_cast<unsigned char>(byte);
  }
  return id;
}

// A label of fixed length, then the header of fixed length: no two contexts read alike.
std::string Authenticated(std::string_view context, std::string_view header) {
  std::string out("oci-connector/seal/v1\n");
  return out.append(header).append(context);
}

enum class Direction : int { kDecrypt = 0, kEncrypt = 1 };

// Starts AES-256-GCM and feeds it what is authenticated but not encrypted.
CipherContext Start(Direction direction,
                    const Secret& key,
                    std::string_view nonce,
                    std::string_view authenticated) {
  CipherContext context(EVP_CIPHER_CTX_new());
  int ignored = 0;
  const bool ok = context != nullptr &&
                  EVP_CipherInit_ex2(context.get(),
                                     EVP_aes_256_gcm(),
                                     In(key.Reveal()),
                                     In(nonce),
                                     static_cast<int>(direction),
                                     nullptr) == 1 &&
                  EVP_CipherUpdate(context.get(),
                                   nullptr,
                                   &ignored,
                                   In(authenticated),
                                   static_cast<int>(authenticated.size())) == 1;
  return ok ? std::move(context) : nullptr;
}

bool Encrypt(EVP_CIPHER_CTX* context, std::string_view plaintext, std::string& sealed) {
  const std::size_t begin = kHeaderBytes + kNonceBytes;
  int written = 0;
  int last = 0;
  return EVP_EncryptUpdate(context,
                           Out(sealed, begin),
                           &written,
                           In(plaintext),
                           static_cast<int>(plaintext.size())) == 1 &&
         EVP_EncryptFinal_ex(
             context, Out(sealed, begin + static_cast<std::size_t>(written)), &last) == 1 &&
         EVP_CIPHER_CTX_ctrl(
             context, EVP_CTRL_GCM_GET_TAG, kTagBytes, Out(sealed, begin + plaintext.size())) == 1;
}

std::optional<std::string> Decrypt(EVP_CIPHER_CTX* context,
                                   std::string_view ciphertext,
                                   std::string tag) {
  std::string plaintext(ciphertext.size() + 1, '\0');  // Never empty, so data() may be written.
  int written = 0;
  int last = 0;
  const bool ok =
      EVP_DecryptUpdate(context,
                        Out(plaintext, 0),
                        &written,
                        In(ciphertext),
                        static_cast<int>(ciphertext.size())) == 1 &&
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, kTagBytes, Out(tag, 0)) == 1 &&
      EVP_DecryptFinal_ex(context, Out(plaintext, static_cast<std::size_t>(written)), &last) == 1;
  if (!ok) {
    return std::nullopt;
  }
  plaintext.resize(ciphertext.size());
  return plaintext;
}

}  // namespace

Result<Done> SealKeys::Add(std::uint32_t id, Secret key) {
  if (key.Reveal().size() != kSealKeyBytes) {
    return MakeError(
        ErrorCode::kInvalidArgument, ErrorOrigin::kBroker, "a sealing key is not 32 bytes long");
  }
  if (Find(id) != nullptr) {
    return MakeError(
        ErrorCode::kInvalidArgument, ErrorOrigin::kBroker, "two sealing keys have one id");
  }
  keys_.push_back(Entry{id, std::move(key)});
  return Done{};
}

Result<Done> SealKeys::SetCurrent(std::uint32_t id) {
  if (Find(id) == nullptr) {
    return MakeError(ErrorCode::kNotFound,
                     ErrorOrigin::kBroker,
                     "the current sealing key is not among the keys");
  }
  current_ = id;
  has_current_ = true;
  return Done{};
}

const Secret* SealKeys::Find(std::uint32_t id) const {
  for (const Entry& entry : keys_) {
    if (entry.id == id) {
      return &entry.key;
    }
  }
  return nullptr;
}

Result<std::string> Seal(const SealKeys& keys,
                         std::string_view context,
                         std::string_view plaintext) {
  if (!keys.has_current()) {
    return MakeError(
        ErrorCode::kUnavailable, ErrorOrigin::kSelf, "there is no sealing key yet", Retry::kSafe);
  }
  if (plaintext.size() > kMaxSealedBytes) {
    return MakeError(
        ErrorCode::kInvalidArgument, ErrorOrigin::kSelf, "the state is too long to seal");
  }
  const std::string header = Header(keys.current());
  std::string sealed = header;
  sealed.resize(kHeaderBytes + kNonceBytes + plaintext.size() + kTagBytes);
  bool ok = FillRandomBytes({Out(sealed, kHeaderBytes), kNonceBytes});
  if (ok) {
    const CipherContext cipher = Start(Direction::kEncrypt,
                                       *keys.Find(keys.current()),
                                       std::string_view(sealed).substr(kHeaderBytes, kNonceBytes),
                                       Authenticated(context, header));
    ok = cipher != nullptr && Encrypt(cipher.get(), plaintext, sealed);
  }
  if (!ok) {
    return MakeError(ErrorCode::kInternal, ErrorOrigin::kSelf, "sealing failed in OpenSSL");
  }
  return Base64UrlEncode(sealed);
}

std::variant<std::string, OpenFailure> Open(const SealKeys& keys,
                                            std::string_view context,
                                            std::string_view sealed) {
  if (sealed.size() > 2 * kMaxSealedBytes) {
    return OpenFailure::kMalformed;
  }
  const std::optional<std::string> bytes = Base64UrlDecode(sealed);
  if (!bytes || bytes->size() < kSealOverheadBytes || bytes->front() != kVersion) {
    return OpenFailure::kMalformed;
  }
  const std::string_view view = *bytes;
  const std::string_view header = view.substr(0, kHeaderBytes);
  const Secret* key = keys.Find(KeyId(header));
  if (key == nullptr) {
    return OpenFailure::kUnknownKey;
  }
  const CipherContext cipher = Start(Direction::kDecrypt,
                                     *key,
                                     view.substr(kHeaderBytes, kNonceBytes),
                                     Authenticated(context, header));
  const std::string_view body = view.substr(kHeaderBytes + kNonceBytes);
  std::optional<std::string> plaintext;
  if (cipher != nullptr) {
    plaintext = Decrypt(cipher.get(),
                        body.substr(0, body.size() - kTagBytes),
                        std::string(body.substr(body.size() - kTagBytes)));
  }
  if (!plaintext) {
    return OpenFailure::kForged;
  }
  return *std::move(plaintext);
}

}  // namespace connector::crypto
