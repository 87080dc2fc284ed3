#pragma once

// ChainKey: what makes the hashes of audit records. It is derived from the brokers' root key, which
// the audit volume does not hold, so that nobody who can write the volume alone can make a chain
// anew. Pure.
//
// HMAC is symmetric: whoever verifies with the key could have written the chain.

#include "common/base/secret.h"

#include <string>
#include <string_view>
#include <vector>

namespace connector::auditlog {

inline constexpr std::size_t kMinRootKeyBytes = 32;  // As the broker's rootKeyFile.
inline constexpr std::size_t kKeyIdBytes = 16;       // Hexadecimal digits.

class ChainKey {
 public:
  // Records, heads and the id have a derived key each, so that none can stand for another.
  explicit ChainKey(const Secret& root_key);

  // HMAC-SHA-256 in hex, of a record's line without its `hash` member, or of a head's text.
  [[nodiscard]] std::string HashOfRecord(std::string_view body) const;
  [[nodiscard]] std::string HashOfHead(std::string_view text) const;

  // Tells which root key it came from, and nothing about it.
  [[nodiscard]] const std::string& id() const { return id_; }

 private:
  Secret records_;
  Secret heads_;
  std::string id_;
};

// Those of the present root key and of those before it. Few.
using ChainKeys = std::vector<ChainKey>;

// Null where none has this id.
[[nodiscard]] const ChainKey* FindKey(const ChainKeys& keys, std::string_view id);

[[nodiscard]] bool IsKeyId(std::string_view text);

}  // namespace connector::auditlog
