#include "broker/api/sealing_keys.h"

#include "common/crypto/digest.h"

#include <string>
#include <string_view>

namespace connector::broker::api {
namespace {

std::uint32_t PeriodOf(WallTime now) {
  return static_cast<std::uint32_t>(now.time_since_epoch() / kSealingPeriod);
}

std::uint32_t IdOf(std::uint16_t tag, std::uint32_t period) {
  return (std::uint32_t{tag} << 16U) | (period & 0xFFFFU);
}

}  // namespace

std::vector<SealingKey> SealingKeysAt(const root_key::RootKeys& root_keys, WallTime now) {
  const std::uint32_t current = PeriodOf(now);
  std::vector<SealingKey> keys;
  for (const Secret& root : root_keys.all()) {
    const std::uint16_t tag = root_key::TagOf(root);
    for (const std::uint32_t period : {current - 1, current, current + 1}) {
      const std::string purpose =
          "oci-connector upload sealing key, period " + std::to_string(period);
      keys.push_back({IdOf(tag, period),
                      crypto::HkdfSha256(root.Reveal(), purpose, kSealingKeyBytes),
                      period == current && &root == &root_keys.current()});
    }
  }
  return keys;
}

void SealingKeySource::Fill(v1::GetSealingKeysResponse& response) const {
  for (const SealingKey& key : SealingKeysAt(*root_keys_.Current(), clock_.Now())) {
    v1::SealingKey& out = *response.add_keys();
    const std::string_view bytes = key.key.Reveal();
    out.set_id(key.id);
    out.set_key(bytes.data(), bytes.size());
    out.set_current(key.current);
  }
  response.mutable_ask_again_after()->set_seconds(kAskForKeysAgainAfter.count());
}

}  // namespace connector::broker::api
