#include "broker/secrets/version_digest.h"

#include "common/base/encoding.h"
#include "common/crypto/digest.h"

namespace connector::broker::secrets {
namespace {

void AppendSized(std::string& out, std::string_view value) {
  out.append(std::to_string(value.size())).append(":").append(value);
}

}  // namespace

VersionDigest::VersionDigest(std::string_view root_key)
    : key_(crypto::HkdfSha256(root_key, "secret-version", crypto::kSha256Bytes)) {}

std::string VersionDigest::Of(std::string_view type,
                              const std::map<std::string, Secret>& data) const {
  // A digest of the values' digests, so that no second copy of a value is made.
  std::string text;
  AppendSized(text, type);
  for (const auto& [key, value] : data) {
    AppendSized(text, key);
    AppendSized(text, crypto::HmacSha256(key_.Reveal(), value.Reveal()));
  }
  return HexEncode(crypto::HmacSha256(key_.Reveal(), text));
}

std::string VersionDigest::OfPlace(std::string_view place) const {
  std::string text = "place";
  AppendSized(text, place);
  return HexEncode(crypto::HmacSha256(key_.Reveal(), text));
}

}  // namespace connector::broker::secrets
