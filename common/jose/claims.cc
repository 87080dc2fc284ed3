#include "common/jose/claims.h"

#include "common/jose/compact.h"
#include "common/jose/json_members.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace connector::jose {
namespace {

using Kind = Member::Kind;
using Members = std::vector<Member>;

bool IsControl(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
}

Result<Members> ParsePayload(std::string_view payload) {
  auto members = ParseMembers(payload);
  if (!members) {
    return BadToken("the token's payload " + members.error().message);
  }
  return members;
}

// iss and sub become parts of names in logs and audit, so they are one line of text.
Result<std::string> ReadName(const Members& members, const char* name) {
  const Member* member = FindMember(members, name);
  if (member == nullptr || member->kind != Kind::kString || member->text.empty()) {
    return BadToken("the token has no " + std::string(name));
  }
  if (std::any_of(member->text.begin(), member->text.end(), IsControl)) {
    return BadToken("the token's " + std::string(name) + " holds a control character");
  }
  return member->text;
}

Result<std::vector<std::string>> ReadAudiences(const Members& members) {
  const Member* member = FindMember(members, "aud");
  if (member == nullptr) {
    return std::vector<std::string>{};  // CheckClaims says that the expected one is missing.
  }
  if (member->kind == Kind::kString) {
    return std::vector<std::string>{member->text};
  }
  if (member->kind != Kind::kArray || !member->strings_only ||
      member->scalars.size() > kMaxAudiences) {
    return BadToken("the token's aud is neither a string nor a list of strings");
  }
  return member->scalars;
}

Result<std::optional<WallTime>> ReadTime(const Members& members, const char* name) {
  const Member* member = FindMember(members, name);
  if (member == nullptr) {
    return std::optional<WallTime>{};
  }
  // RFC 7519 section 2 lets a NumericDate have a fraction, and some issuers write one.
  const double seconds = member->kind == Kind::kInteger  ? static_cast<double>(member->integer)
                         : member->kind == Kind::kNumber ? std::trunc(member->number)
                                                         : -1;
  // The form of the comparison rejects NaN too.
  if (!(seconds >= 0 && seconds <= static_cast<double>(kMaxNumericDate))) {
    return BadToken("the token's " + std::string(name) + " is not a time in seconds");
  }
  return std::optional<WallTime>{
      WallTime{std::chrono::seconds{static_cast<std::int64_t>(seconds)}}};
}

bool IsScalar(const Member& member) {
  return member.kind == Kind::kString || member.kind == Kind::kInteger ||
         member.kind == Kind::kNumber || member.kind == Kind::kBool;
}

}  // namespace

Result<Claims> ParseClaims(std::string_view payload) {
  auto members = ParsePayload(payload);
  if (!members) {
    return std::move(members).error();
  }
  auto issuer = ReadName(*members, "iss");
  if (!issuer) {
    return std::move(issuer).error();
  }
  auto subject = ReadName(*members, "sub");
  if (!subject) {
    return std::move(subject).error();
  }
  auto audiences = ReadAudiences(*members);
  if (!audiences) {
    return std::move(audiences).error();
  }
  Claims claims;
  for (const auto& [name, field] : {std::pair{"exp", &claims.expires_at},
                                    std::pair{"nbf", &claims.not_before},
                                    std::pair{"iat", &claims.issued_at}}) {
    auto time = ReadTime(*members, name);
    if (!time) {
      return std::move(time).error();
    }
    *field = *time;
  }
  claims.issuer = std::move(*issuer);
  claims.subject = std::move(*subject);
  claims.audiences = std::move(*audiences);
  for (Member& member : *members) {
    if (IsScalar(member)) {
      claims.texts.emplace(std::move(member.name), std::move(member.text));
    }
    for (std::string& value : member.scalars) {
      claims.texts.emplace(member.name, std::move(value));
    }
  }
  return claims;
}

Result<Done> CheckClaims(const Claims& claims, ExpectedClaims expected, WallTime now) {
  if (claims.issuer != expected.issuer) {
    return BadToken("the token is of another issuer");
  }
  if (std::find(claims.audiences.begin(), claims.audiences.end(), expected.audience) ==
      claims.audiences.end()) {
    return BadToken("the token is for another audience");
  }
  if (!claims.expires_at) {
    return BadToken("the token has no exp");
  }
  if (*claims.expires_at <= now) {
    return BadToken("the token is expired");
  }
  if (claims.not_before && *claims.not_before > now + kClockLeeway) {
    return BadToken("the token is not valid yet");
  }
  if (claims.issued_at && *claims.issued_at > now + kClockLeeway) {
    return BadToken("the token was issued in the future");
  }
  return Done{};
}

Result<std::string> UnverifiedIssuer(std::string_view token) {
  const auto parts = SplitCompact(token);
  if (!parts) {
    return parts.error();
  }
  const auto members = ParsePayload(parts->payload);
  if (!members) {
    return members.error();
  }
  return ReadName(*members, "iss");
}

Result<Claims> UnverifiedClaims(std::string_view token) {
  const auto parts = SplitCompact(token);
  if (!parts) {
    return parts.error();
  }
  return ParseClaims(parts->payload);
}

}  // namespace connector::jose
