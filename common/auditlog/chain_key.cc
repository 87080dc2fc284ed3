#include "common/auditlog/chain_key.h"

#include "common/base/encoding.h"
#include "common/crypto/digest.h"

#include <algorithm>

namespace connector::auditlog {
namespace {

Secret Derive(const Secret& root_key, std::string_view purpose, std::size_t size) {
  return crypto::HkdfSha256(root_key.Reveal(), purpose, size);
}

}  // namespace

ChainKey::ChainKey(const Secret& root_key)
    : records_(Derive(root_key, "oci-connector audit records, version 1", crypto::kSha256Bytes)),
      heads_(Derive(root_key, "oci-connector audit heads, version 1", crypto::kSha256Bytes)),
      id_(HexEncode(
          Derive(root_key, "oci-connector audit key id, version 1", kKeyIdBytes / 2).Reveal())) {}

std::string ChainKey::HashOfRecord(std::string_view body) const {
  return HexEncode(crypto::HmacSha256(records_.Reveal(), body));
}

std::string ChainKey::HashOfHead(std::string_view text) const {
  return HexEncode(crypto::HmacSha256(heads_.Reveal(), text));
}

const ChainKey* FindKey(const ChainKeys& keys, std::string_view id) {
  const auto found =
      std::find_if(keys.begin(), keys.end(), [&](const ChainKey& key) { return key.id() == id; });
  return found == keys.end() ? nullptr : &*found;
}

bool IsKeyId(std::string_view text) {
  return text.size() == kKeyIdBytes &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace connector::auditlog
