#pragma once

// VersionDigest: the version of a stored secret, as this broker process calls it. It reveals
// nothing of a password, not even to guessing, to who has not the process's own key. Pure.
//
// Other brokers call the same content otherwise. What they agree on is made from Fingerprint, and
// keyed with the root keys (connectors/epoch_keys.h). So stores need not read anything again when a
// root key is replaced, and nothing that was minted is thrown away.

#include "common/base/secret.h"

#include <map>
#include <string>
#include <string_view>

namespace connector::broker::secrets {

// A new one for each process; it never leaves it. Throws std::runtime_error without randomness.
[[nodiscard]] Secret MakeVersionKey();

class VersionDigest {
 public:
  explicit VersionDigest(std::string_view version_key);

  // Of what is stored.
  [[nodiscard]] std::string Of(std::string_view type,
                               const std::map<std::string, Secret>& data) const;
  // Of the place alone: for credentials that the store creates for each broker separately.
  [[nodiscard]] std::string OfPlace(std::string_view place) const;

  // What a version of ours stands for: equal in every process, and guessable like a password's
  // digest. Empty for what is no version of ours.
  [[nodiscard]] Secret Fingerprint(std::string_view version) const;

 private:
  [[nodiscard]] std::string VersionOf(std::string_view text) const;

  Secret key_;
};

}  // namespace connector::broker::secrets
