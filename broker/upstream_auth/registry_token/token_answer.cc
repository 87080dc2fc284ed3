#include "broker/upstream_auth/registry_token/token_answer.h"

#include "common/base/encoding.h"
#include "common/base/secret_place.h"
#include "common/curl/wiped_buffer.h"
#include "common/json/wiped_json.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

namespace connector::broker::upstream_auth {
namespace {

namespace json = boost::json;

Error Nonsense(std::string message) {
  return MakeError(ErrorCode::kInvalidArgument, ErrorOrigin::kUpstream, std::move(message));
}

// A number in any form: integer, fraction, or a string of one. NaN when it is not a number.
double NumberIn(const json::value& value) {
  if (value.is_int64()) {
    return static_cast<double>(value.as_int64());
  }
  if (value.is_uint64()) {
    return static_cast<double>(value.as_uint64());
  }
  if (value.is_double()) {
    return value.as_double();
  }
  if (value.is_string()) {
    const json::string& text = value.as_string();
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc{} && end == text.data() + text.size() && !text.empty()) {
      return number;
    }
  }
  return std::nan("");
}

// Null and absent are the same.
const json::value* Find(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value == nullptr || value->is_null() ? nullptr : value;
}

bool IsVisibleAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F; });
}

Result<std::string_view> TokenIn(const json::object& answer) {
  std::string_view token;
  for (const char* key : {"token", "access_token"}) {
    const json::value* value = Find(answer, key);
    if (value == nullptr) {
      continue;
    }
    if (!value->is_string()) {
      return Nonsense("answered with a token that is not text");
    }
    const std::string_view found = value->as_string();
    // Two that differ leave the choice to us; every client reads this one.
    if (token.empty()) {
      token = found;
    }
  }
  if (token.empty()) {
    return Nonsense("answered without a token");
  }
  if (!IsVisibleAscii(token)) {
    return Nonsense("answered with a token that holds spaces, line breaks or non-ASCII bytes");
  }
  return token;
}

// Seconds until the `exp` of a JWT; nullopt when the token is no JWT or has no `exp`.
std::optional<double> JwtSecondsLeft(std::string_view token, WallTime now) {
  if (std::count(token.begin(), token.end(), '.') != 2) {
    return std::nullopt;
  }
  const std::size_t start = token.find('.') + 1;
  std::optional<std::string> payload =
      Base64UrlDecode(token.substr(start, token.rfind('.') - start));
  if (!payload) {
    return std::nullopt;
  }
  WipingMemory memory;
  std::optional<double> left;
  if (const std::optional<json::object> claims = ParseWipedObject(*payload, memory)) {
    const json::value* exp = Find(*claims, "exp");
    const double at = exp == nullptr || exp->is_string() ? std::nan("") : NumberIn(*exp);
    if (!std::isnan(at)) {
      left = at - std::chrono::duration<double>(now.time_since_epoch()).count();
    }
  }
  curl::Wipe(*payload);
  return left;
}

}  // namespace

Result<UpstreamToken> ReadTokenAnswer(std::string_view body, WallTime now) {
  if (body.size() > kMaxTokenAnswerBytes) {
    return Nonsense("answered with more than 64 KiB");
  }
  WipingMemory memory;
  const std::optional<json::object> answer = ParseWipedObject(body, memory);
  if (!answer) {
    return Nonsense("did not answer with a JSON object");
  }
  const Result<std::string_view> token = TokenIn(*answer);
  if (!token) {
    return token.error();
  }
  const json::value* expires_in = Find(*answer, "expires_in");
  double seconds =
      expires_in == nullptr ? static_cast<double>(kDefaultLife.count()) : NumberIn(*expires_in);
  // The form of the comparison rejects NaN too.
  const bool absurd =
      !(seconds > 0 && seconds <= std::chrono::duration<double>(kLongestLife).count());
  if (absurd) {
    seconds = static_cast<double>(kDefaultLife.count());
  }
  seconds = std::min(seconds, JwtSecondsLeft(*token, now).value_or(seconds));
  const bool single_use = absurd || seconds <= 0;
  if (seconds <= 0) {  // Clocks differ: the token may still be valid for one request.
    seconds = static_cast<double>(kDefaultLife.count());
  }
  const auto life =
      std::chrono::duration_cast<WallTime::duration>(std::chrono::duration<double>(seconds));
  return UpstreamToken{
      CredentialScheme::kBearer, TokenSecret("", *token, ""), now + life, single_use};
}

}  // namespace connector::broker::upstream_auth
