#pragma once

// VersionDigest: the version of a stored secret. Keyed with a key derived from the root key, so
// that it is equal on every broker and reveals nothing of a password, not even to guessing. Pure.

#include "common/base/secret.h"

#include <map>
#include <string>
#include <string_view>

namespace connector::broker::secrets {

class VersionDigest {
 public:
  explicit VersionDigest(std::string_view root_key);

  // Of what is stored.
  [[nodiscard]] std::string Of(std::string_view type,
                               const std::map<std::string, Secret>& data) const;
  // Of the place alone: for credentials that the store creates for each broker separately.
  [[nodiscard]] std::string OfPlace(std::string_view place) const;

 private:
  Secret key_;
};

}  // namespace connector::broker::secrets
