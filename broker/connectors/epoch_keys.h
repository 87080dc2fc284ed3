#pragma once

// EpochKeys: makes of a secret's version, which is this process's own, the text that all brokers
// agree on: one digest for each root key in force (common/base/keyed_version.h). It tells nothing
// of the secret, not even to guessing. Immutable.

#include "broker/root_key/root_keys.h"
#include "broker/secrets/version_digest.h"

#include <string>
#include <string_view>
#include <vector>

namespace connector::broker::connectors {

class EpochKeys {
 public:
  // `version_key` is that of the stores.
  EpochKeys(const root_key::RootKeys& root_keys, const Secret& version_key);

  // In the order of the root keys. One empty text for no version: what has no secret does not
  // change with the keys.
  [[nodiscard]] std::vector<std::string> VersionsOf(std::string_view secret_version) const;

 private:
  const secrets::VersionDigest versions_;
  std::vector<Secret> keys_;
};

}  // namespace connector::broker::connectors
