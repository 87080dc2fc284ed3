#pragma once

// Seals short states into text that only the holders of a key can make or read: AES-256-GCM with a
// random 96-bit nonce, written in [A-Za-z0-9_-].
//
// It keeps no state and knows no time: expiry and whom a state belongs to are the caller's fields.
// Layout before base64url: version (1), key id (4, big-endian), nonce (12), ciphertext, tag (16).
// Version, key id and the caller's context are authenticated. A random nonce is safe for 2^32 seals
// per key (NIST SP 800-38D section 8.3); keys change by period, far below that.

#include "common/base/result.h"
#include "common/base/secret.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace connector::crypto {

inline constexpr std::size_t kSealKeyBytes = 32;
inline constexpr std::size_t kSealOverheadBytes = 1 + 4 + 12 + 16;

// The keys in force: one seals, all open. Immutable once shared between threads.
class SealKeys {
 public:
  // Fails with kInvalidArgument when the key is not kSealKeyBytes long or the id is taken.
  Result<Done> Add(std::uint32_t id, Secret key);
  // Which key seals from now on. Fails with kNotFound for an id that was not added.
  Result<Done> SetCurrent(std::uint32_t id);

  [[nodiscard]] const Secret* Find(std::uint32_t id) const;
  [[nodiscard]] bool empty() const { return keys_.empty(); }
  [[nodiscard]] bool has_current() const { return has_current_; }
  [[nodiscard]] std::uint32_t current() const { return current_; }

 private:
  struct Entry {
    std::uint32_t id = 0;
    Secret key;
  };
  std::vector<Entry> keys_;
  std::uint32_t current_ = 0;
  bool has_current_ = false;
};

// Fails with kUnavailable when there is no current key, kInternal when OpenSSL fails. `context`
// names the purpose: what was sealed for one cannot be opened for another.
[[nodiscard]] Result<std::string> Seal(const SealKeys& keys,
                                       std::string_view context,
                                       std::string_view plaintext);

// Distinct for logs and tests; a client is told one plain thing.
enum class OpenFailure : std::uint8_t {
  kMalformed,   // Not canonical base64url, too short, or another version.
  kUnknownKey,  // Sealed under a key that is no longer, or not yet, here.
  kForged,      // The tag does not fit: changed, or sealed for another context.
};

[[nodiscard]] std::variant<std::string, OpenFailure> Open(const SealKeys& keys,
                                                          std::string_view context,
                                                          std::string_view sealed);

}  // namespace connector::crypto
