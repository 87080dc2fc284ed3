#include "csi/volume/kubelet_token.h"

#include "common/json/wiped_json.h"

#include <algorithm>
#include <ctime>
#include <string>

namespace connector::csi::volume {
namespace {

Error Missing(const std::string& audience) {
  return MakeError(ErrorCode::kInvalidArgument,
                   ErrorOrigin::kClient,
                   "the kubelet handed over no token of the audience " + audience +
                       ": the CSIDriver object needs tokenRequests with it");
}

Error Malformed(const char* what) {
  return MakeError(ErrorCode::kInvalidArgument,
                   ErrorOrigin::kClient,
                   std::string("the tokens that the kubelet handed over cannot be read: ") + what);
}

const boost::json::string* StringIn(const boost::json::object& object, std::string_view key) {
  const boost::json::value* value = object.if_contains(key);
  return value == nullptr ? nullptr : value->if_string();
}

bool IsToken(std::string_view text) {
  return !text.empty() && text.size() <= kMaxTokenBytes &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

// One entry of the object.
Result<KubeletToken> ReadToken(const boost::json::value& entry, WallTime now) {
  const boost::json::object* token = entry.if_object();
  if (token == nullptr) {
    return Malformed("an entry is not an object");
  }
  const boost::json::string* value = StringIn(*token, "token");
  if (value == nullptr || !IsToken(*value)) {
    return Malformed("token is not visible ASCII");
  }
  const boost::json::string* expiry = StringIn(*token, "expirationTimestamp");
  const std::optional<WallTime> expires_at =
      expiry == nullptr ? std::nullopt : ParseTimestamp(*expiry);
  if (!expires_at) {
    return Malformed("expirationTimestamp is not a time as in 2026-01-31T12:00:00Z");
  }
  if (*expires_at <= now) {
    return MakeError(
        ErrorCode::kUnavailable,
        ErrorOrigin::kClient,
        "the token that the kubelet handed over has ended already; is the node's clock "
        "right?",
        Retry::kSafe);
  }
  return KubeletToken{Secret(*value), *expires_at};
}

}  // namespace

std::optional<WallTime> ParseTimestamp(std::string_view text) {
  constexpr std::string_view kForm = "dddd-dd-ddTdd:dd:ddZ";
  if (text.size() != kForm.size()) {
    return std::nullopt;
  }
  for (std::size_t i = 0; i < kForm.size(); ++i) {
    const bool fits = kForm[i] == 'd' ? text[i] >= '0' && text[i] <= '9' : text[i] == kForm[i];
    if (!fits) {
      return std::nullopt;
    }
  }
  const auto number = [&](std::size_t at, std::size_t digits) {
    int value = 0;
    for (std::size_t i = at; i < at + digits; ++i) {
      value = value * 10 + (text[i] - '0');
    }
    return value;
  };
  std::tm parts{};
  parts.tm_year = number(0, 4) - 1900;
  parts.tm_mon = number(5, 2) - 1;
  parts.tm_mday = number(8, 2);
  parts.tm_hour = number(11, 2);
  parts.tm_min = number(14, 2);
  parts.tm_sec = number(17, 2);
  if (parts.tm_mon > 11 || parts.tm_mon < 0 || parts.tm_mday > 31 || parts.tm_mday < 1 ||
      parts.tm_hour > 23 || parts.tm_min > 59 || parts.tm_sec > 60) {
    return std::nullopt;
  }
  return std::chrono::system_clock::from_time_t(::timegm(&parts));
}

Result<KubeletTokens> ParseKubeletTokens(std::string_view json,
                                         const std::string& audience,
                                         WallTime now) {
  if (json.empty()) {
    return Missing(audience);
  }
  WipingMemory memory;
  const std::optional<boost::json::object> tokens = ParseWipedObject(json, memory);
  if (!tokens) {
    return Malformed("not a JSON object");
  }
  KubeletTokens out;
  bool any = false;
  for (const auto& entry : *tokens) {
    const std::string_view name = entry.key();
    if (name != audience && !name.starts_with(audience + "/")) {
      continue;
    }
    Result<KubeletToken> token = ReadToken(entry.value(), now);
    if (!token) {
      return token.error();
    }
    out.Add(std::string(name), *std::move(token));
    any = true;
  }
  return any ? Result<KubeletTokens>(std::move(out)) : Missing(audience);
}

}  // namespace connector::csi::volume
