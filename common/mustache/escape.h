#pragma once

// The formats of files that templates make, and how a value is written into each so that it stays
// one value whatever it holds. Pure.
//
// Each format has one kind of quotes in which values may stand; quoting.h refuses a template that
// puts one anywhere else.

#include "common/base/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace connector::mustache {

enum class Format : std::uint8_t {
  kJson,   // In "..." (RFC 8259 section 7)
  kToml,   // In basic strings, "..." on one line (TOML 1.0 "String")
  kYaml,   // In "..." on one line (YAML 1.2 section 7.3.1)
  kShell,  // In '...' (POSIX 2.2.2); also .env files
  kPlain,  // Anywhere, as it is
  kPath,   // A part of a relative path; not the format of a file
};

[[nodiscard]] std::string_view ToString(Format format);  // "json" ...

// By the extension: .json, .toml, .yaml, .yml, .sh, .env, .txt, .crt, .pem. A file without one is
// plain. nullopt for any other extension: whoever writes the template says which format it is.
[[nodiscard]] std::optional<Format> FormatOfFile(std::string_view path);

// `value` as it stands between the quotes of `format`. Fails with kInvalidArgument, and never with
// the value in its message, when the value is not UTF-8 or holds a NUL, and where the format
// cannot carry it: a control character in kPlain, and in kPath anything but letters, digits,
// "._-:[]".
[[nodiscard]] Result<std::string> Escape(Format format, std::string_view value);

// Whether every byte is of well-formed UTF-8 (RFC 3629).
[[nodiscard]] bool IsUtf8(std::string_view text);

}  // namespace connector::mustache
