#include "broker/root_key/root_keys.h"

#include "common/auditlog/chain_key.h"
#include "common/config/read_file.h"
#include "common/crypto/digest.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace connector::broker::root_key {
namespace {

constexpr std::size_t kMaxFileBytes = std::size_t{64} * 1024;
constexpr std::array kOtherFiles = {".next", ".previous"};

Error Refused(ErrorCode code, std::string message) {
  return MakeError(code, ErrorOrigin::kSelf, std::move(message));
}

Result<Secret> ReadKey(const std::string& file) {
  Result<std::string> bytes = config::ReadFile(file, kMaxFileBytes);
  if (!bytes) {
    return Refused(bytes.error().code, file + ": " + bytes.error().message);
  }
  Secret key(*bytes);
  OPENSSL_cleanse(bytes->data(), bytes->size());
  if (key.Reveal().size() < kMinRootKeyBytes) {
    return Refused(ErrorCode::kInvalidArgument,
                   file +
                       ": holds fewer than 32 bytes; make one with connectorctl pki init, or "
                       "head -c 32 /dev/urandom");
  }
  return key;
}

}  // namespace

RootKeys::RootKeys(Secret current, std::vector<Secret> others) {
  keys_.push_back(std::move(current));
  for (Secret& other : others) {
    if (!Holds(other)) {
      keys_.push_back(std::move(other));
    }
  }
}

bool RootKeys::Holds(const Secret& key) const {
  return std::any_of(keys_.begin(), keys_.end(), [&](const Secret& held) {
    return held.Reveal() == key.Reveal();
  });
}

bool RootKeys::operator==(const RootKeys& other) const {
  return std::equal(keys_.begin(),
                    keys_.end(),
                    other.keys_.begin(),
                    other.keys_.end(),
                    [](const Secret& a, const Secret& b) { return a.Reveal() == b.Reveal(); });
}

std::string IdOf(const Secret& root_key) {
  return auditlog::ChainKey(root_key).id();
}

std::uint16_t TagOf(const Secret& root_key) {
  const Secret bytes =
      crypto::HkdfSha256(root_key.Reveal(), "oci-connector sealing key tag", sizeof(std::uint16_t));
  const std::string_view text = bytes.Reveal();
  return static_cast<std::uint16_t>((static_cast<unsigned char>(text[0]) << 8U) |
                                    static_cast<unsigned char>(text[1]));
}

Result<RootKeys> ReadRootKeys(const std::string& file) {
  Result<Secret> current = ReadKey(file);
  if (!current) {
    return std::move(current).error();
  }
  std::vector<Secret> others;
  for (const char* const suffix : kOtherFiles) {
    Result<Secret> other = ReadKey(file + suffix);
    if (!other && other.error().code == ErrorCode::kNotFound) {
      continue;
    }
    if (!other) {
      return std::move(other).error();
    }
    others.push_back(*std::move(other));
  }
  RootKeys keys(*std::move(current), std::move(others));
  for (std::size_t i = 1; i < keys.all().size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (TagOf(keys.all()[i]) == TagOf(keys.all()[j])) {
        return Refused(ErrorCode::kInvalidArgument,
                       file +
                           ": two of the keys beside each other have one tag, by chance; make "
                           "another new key");
      }
    }
  }
  return keys;
}

}  // namespace connector::broker::root_key
