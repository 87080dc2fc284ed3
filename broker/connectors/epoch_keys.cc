#include "broker/connectors/epoch_keys.h"

#include "common/base/encoding.h"
#include "common/crypto/digest.h"

namespace connector::broker::connectors {

EpochKeys::EpochKeys(const root_key::RootKeys& root_keys, const Secret& version_key)
    : versions_(version_key.Reveal()) {
  for (const Secret& root : root_keys.all()) {
    keys_.push_back(
        crypto::HkdfSha256(root.Reveal(), "secret-version-of-epochs", crypto::kSha256Bytes));
  }
}

std::vector<std::string> EpochKeys::VersionsOf(std::string_view secret_version) const {
  if (secret_version.empty()) {
    return {std::string()};
  }
  const Secret fingerprint = versions_.Fingerprint(secret_version);
  std::vector<std::string> out;
  for (const Secret& key : keys_) {
    out.push_back(HexEncode(crypto::HmacSha256(
        key.Reveal(), fingerprint.empty() ? secret_version : fingerprint.Reveal())));
  }
  return out;
}

}  // namespace connector::broker::connectors
