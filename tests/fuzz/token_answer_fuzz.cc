#include "broker/upstream_auth/registry_token/token_answer.h"
#include "tests/fuzz/check.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

// Whatever a token service answers, what is taken for a token fits into a header, is used for no
// longer than the longest life, and for one request only when its life makes no sense.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using connector::fuzz::Check;
  namespace upstream_auth = connector::broker::upstream_auth;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const connector::WallTime now{std::chrono::seconds{1'800'000'000}};
  const auto token = upstream_auth::ReadTokenAnswer(input, now);
  if (!token) {
    Check(!token.error().message.empty());
    Check(token.error().origin == connector::ErrorOrigin::kUpstream);
    return 0;
  }
  Check(size <= upstream_auth::kMaxTokenAnswerBytes);
  const std::string_view value = token->value.Reveal();
  Check(token->scheme == upstream_auth::CredentialScheme::kBearer && !value.empty());
  Check(std::all_of(value.begin(), value.end(), [](char c) { return c > ' ' && c < '\x7F'; }));
  Check(token->not_after <= now + upstream_auth::kLongestLife);
  Check(token->single_use || token->not_after > now);
  return 0;
}
