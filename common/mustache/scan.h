#pragma once

// Divides a template into text and tags, and refuses all of Mustache that could write a value as
// it is, run something or change what a tag looks like. Pure.
//
// The engine reads the template again by itself; what passes here is so narrow that both read the
// same. Rule source: mustache(5).

#include "common/base/result.h"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace connector::mustache {

inline constexpr std::size_t kMaxTemplateBytes = std::size_t{16} * 1024;
inline constexpr std::size_t kMaxTags = 1000;
inline constexpr std::size_t kMaxSections = 8;  // Within each other.

// Views of the template's text.
struct Piece {
  enum class Kind : std::uint8_t {
    kText,      // text
    kVariable,  // {{name}}
    kSection,   // {{#name}}
    kInverted,  // {{^name}}
    kEnd,       // {{/name}}
    kComment,   // {{! text }}
  };

  Kind kind = Kind::kText;
  std::string_view text;  // The text, or the name, such as "host" or "params.proxy".
  std::size_t line = 1;   // Where it begins.

  bool operator==(const Piece&) const = default;
};

// Fails with kInvalidArgument and the line when the text is too large, not UTF-8 or holds a control
// character other than tab and newline; has a tag that is not closed, is one of {{{x}}}, {{&x}},
// {{>x}} and {{=x x=}}, or has no proper name; or has sections that do not close each other.
[[nodiscard]] Result<std::vector<Piece>> Scan(std::string_view text);

}  // namespace connector::mustache
