#pragma once

// The top-level members of one JSON object, for JOSE headers and claims. Internal to common/jose.
//
// Reads with a handler and not into a tree, because a tree forgets that a member stood there twice,
// and two parsers that keep different twins of "alg" or "sub" are an attack (RFC 7515 section 4,
// RFC 7519 section 4: duplicates may be refused; here they are).

#include "common/base/result.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace connector::jose {

inline constexpr std::size_t kMaxMembers = 256;
inline constexpr std::size_t kMaxJsonDepth = 12;

struct Member {
  enum class Kind : std::uint8_t { kString, kInteger, kNumber, kBool, kNull, kArray, kObject };

  std::string name;
  Kind kind = Kind::kNull;
  std::string text;                  // Of a string, number or boolean.
  std::int64_t integer = 0;          // Of kInteger only. A fraction or an exponent makes kNumber.
  double number = 0;                 // Of kNumber only.
  bool strings_only = true;          // Of kArray: no element was anything but a string.
  std::vector<std::string> scalars;  // Of kArray: its strings, numbers and booleans, in order.
};

// Fails with kInvalidArgument, and a message that says the rule and never the content, when `json`
// is not exactly one object in UTF-8, repeats a top-level member, or passes a limit above.
[[nodiscard]] Result<std::vector<Member>> ParseMembers(std::string_view json);

[[nodiscard]] const Member* FindMember(const std::vector<Member>& members, std::string_view name);

}  // namespace connector::jose
