#pragma once

// RootKeys: the brokers' common root key, and others that are accepted beside it while it is being
// replaced (docs/root-key.md). What a broker makes, it makes with the current one; what is made
// with any of them is good.
//
// Three files of one directory, or three keys of one Secret: FILE is the current key. FILE.next is
// the key that will be current; FILE.previous the one that was. Both may be missing.

#include "common/base/result.h"
#include "common/base/secret.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace connector::broker::root_key {

inline constexpr std::size_t kMinRootKeyBytes = 32;

class RootKeys {
 public:
  explicit RootKeys(Secret current, std::vector<Secret> others = {});

  [[nodiscard]] const Secret& current() const { return keys_.front(); }
  // The current one first. At most three.
  [[nodiscard]] const std::vector<Secret>& all() const { return keys_; }
  [[nodiscard]] bool Holds(const Secret& key) const;

  bool operator==(const RootKeys& other) const;

 private:
  std::vector<Secret> keys_;
};

using RootKeysPtr = std::shared_ptr<const RootKeys>;

// Tells one key from another, and nothing about it: 16 hexadecimal digits, as `key` in audit
// records. The tag stands in the ids of sealing keys.
[[nodiscard]] std::string IdOf(const Secret& root_key);
[[nodiscard]] std::uint16_t TagOf(const Secret& root_key);

// Equal keys count once. Fails when `file` cannot be read, a key is too short, or two keys have one
// tag. The message names the file and says what to do.
[[nodiscard]] Result<RootKeys> ReadRootKeys(const std::string& file);

}  // namespace connector::broker::root_key
