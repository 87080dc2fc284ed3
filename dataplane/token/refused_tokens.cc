#include "dataplane/token/refused_tokens.h"

#include "common/crypto/digest.h"
#include "common/crypto/random_bytes.h"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string_view>

namespace connector::dataplane::token {
namespace {

std::string RandomKey() {
  std::array<unsigned char, crypto::kSha256Bytes> bytes{};
  if (!crypto::FillRandomBytes(bytes)) {
    throw std::runtime_error("the system has no random bytes");
  }
  return {bytes.begin(), bytes.end()};
}

}  // namespace

RefusedTokens::RefusedTokens(std::uint32_t per_second)
    : per_second_(per_second), burst_(per_second_ * kRefusalBurstSeconds), key_(RandomKey()) {}

std::string RefusedTokens::KeyOf(const TokenHash& token) const {
  return crypto::HmacSha256(key_, std::string_view(token.data(), token.size()));
}

RefusedTokens::Decision RefusedTokens::Decide(const Sent& sent) {
  const std::string key = KeyOf(sent.token);
  const std::lock_guard lock(mutex_);
  if (refused_.Find(key, sent.at) != nullptr) {
    return {Answer::kRefused, {}};
  }
  const resilience::TokenBucket* const budget = addresses_.Find(sent.address, sent.at);
  if (budget == nullptr || budget->Has(sent.at) || accepted_.Find(key, sent.at) != nullptr) {
    return {};
  }
  return {Answer::kAddressFull,
          std::chrono::ceil<std::chrono::seconds>(budget->NextAt(sent.at) - sent.at)};
}

void RefusedTokens::Refused(const Sent& sent) {
  const std::string key = KeyOf(sent.token);
  const std::lock_guard lock(mutex_);
  accepted_.Erase(key);
  if (refused_.Find(key, sent.at) != nullptr) {
    return;  // Others waited for the same answer: it costs once.
  }
  refused_.Put(key, true, {Time::min(), sent.at + kRefusedFor});
  const resilience::TokenBucket* const known = addresses_.Find(sent.address, sent.at);
  resilience::TokenBucket budget =
      known != nullptr ? *known : resilience::TokenBucket(per_second_, burst_, sent.at);
  budget.TakeAnyway(sent.at);
  // Full again by then, so that nothing is forgotten too early.
  const Time until = sent.at + std::chrono::seconds(2 * kRefusalBurstSeconds);
  addresses_.Put(sent.address, budget, {Time::min(), until});
}

void RefusedTokens::Accepted(const Sent& sent) {
  const std::string key = KeyOf(sent.token);
  const std::lock_guard lock(mutex_);
  refused_.Erase(key);
  accepted_.Put(key, true, {Time::min(), sent.at + kAcceptedFor});
}

}  // namespace connector::dataplane::token
