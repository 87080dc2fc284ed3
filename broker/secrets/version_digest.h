#pragma once

// VersionDigest: the version of a stored secret. Keyed with a key derived from the root key, so
// that it is equal on every broker and tells nothing about a password, not even by guessing. Pure.

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
  // Of where it is stored alone: for credentials that the store makes for each broker apart.
  [[nodiscard]] std::string OfPlace(std::string_view place) const;

 private:
  Secret key_;
};

}  // namespace connector::broker::secrets
