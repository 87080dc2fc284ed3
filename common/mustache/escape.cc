#include "common/mustache/escape.h"

#include "common/base/input_error.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

namespace connector::mustache {
namespace {

// The code point at the start of `text`, and its length; length 0 when it is not UTF-8.
struct CodePoint {
  char32_t value = 0;
  std::size_t size = 0;
};

CodePoint Decode(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) {
    return {first, 1};
  }
  const std::size_t size = first >= 0xF0 ? 4 : (first >= 0xE0 ? 3 : 2);
  // The smallest code point of each length: a longer form of a smaller one is not UTF-8.
  constexpr std::array<char32_t, 5> kSmallest{0, 0, 0x80, 0x800, 0x10000};
  if (first < 0xC2 || first > 0xF4 || text.size() < size) {
    return {};
  }
  char32_t value = first & (0xFFU >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) {
      return {};
    }
    value = (value << 6U) | (byte(i) & 0x3FU);
  }
  const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  return value < kSmallest[size] || value > 0x10FFFF || surrogate ? CodePoint{}
                                                                  : CodePoint{value, size};
}

// What no parser of the three formats may see as it is: controls, and what YAML takes for a line
// break, a byte order mark or nothing at all (YAML 1.2 sections 5.1, 5.4).
bool NeedsEscape(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c <= 0xA0) || c == 0x2028 || c == 0x2029 || c == 0xFEFF ||
         c == 0xFFFE || c == 0xFFFF;
}

// The escapes used here mean the same in JSON, in TOML's basic strings and in YAML's double quotes.
std::string InDoubleQuotes(std::string_view value) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  out.reserve(value.size());
  while (!value.empty()) {
    const CodePoint point = Decode(value);
    if (point.value == '"' || point.value == '\\') {
      out.push_back('\\');
    }
    if (NeedsEscape(point.value)) {
      out.append("\\u");
      for (int shift = 12; shift >= 0; shift -= 4) {
        out.push_back(kHex[(point.value >> static_cast<unsigned>(shift)) & 0xFU]);
      }
    } else {
      out.append(value.substr(0, point.size));
    }
    value.remove_prefix(point.size);
  }
  return out;
}

// Within single quotes a shell gives nothing a meaning but the quote, which so closes, stands
// escaped between, and opens again.
std::string InSingleQuotes(std::string_view value) {
  std::string out;
  out.reserve(value.size());
  for (const char c : value) {
    c == '\'' ? out.append("'\\''") : out.append(1, c);
  }
  return out;
}

bool IsControl(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7F;
}

bool IsOfPath(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("._-:[]").find(c) != std::string_view::npos;
}

}  // namespace

std::string_view ToString(Format format) {
  switch (format) {
    case Format::kJson:
      return "json";
    case Format::kToml:
      return "toml";
    case Format::kYaml:
      return "yaml";
    case Format::kShell:
      return "shell";
    case Format::kPlain:
      return "plain";
    case Format::kPath:
      return "path";
  }
  return {};
}

std::optional<Format> FormatOfFile(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) {
    return Format::kPlain;
  }
  constexpr std::pair<std::string_view, Format> kExtensions[] = {
      {".json", Format::kJson},
      {".toml", Format::kToml},
      {".yaml", Format::kYaml},
      {".yml", Format::kYaml},
      {".sh", Format::kShell},
      {".env", Format::kShell},
      {".txt", Format::kPlain},
      {".crt", Format::kPlain},
      {".pem", Format::kPlain},
  };
  for (const auto& [extension, format] : kExtensions) {
    if (name.substr(dot) == extension) {
      return format;
    }
  }
  return std::nullopt;
}

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const CodePoint point = Decode(text);
    if (point.size == 0) {
      return false;
    }
    text.remove_prefix(point.size);
  }
  return true;
}

Result<std::string> Escape(Format format, std::string_view value) {
  if (!IsUtf8(value)) {
    return InvalidInput("is not UTF-8");
  }
  if (value.find('\0') != std::string_view::npos) {
    return InvalidInput("holds a NUL character, which no format carries");
  }
  switch (format) {
    case Format::kJson:
    case Format::kToml:
    case Format::kYaml:
      return InDoubleQuotes(value);
    case Format::kShell:
      return InSingleQuotes(value);
    case Format::kPlain:
      if (std::any_of(value.begin(), value.end(), IsControl)) {
        return InvalidInput(
            "holds a control character or a line break, which a plain file cannot carry");
      }
      break;
    case Format::kPath:
      if (!std::all_of(value.begin(), value.end(), IsOfPath)) {
        return InvalidInput("holds a character that a file's name may not have");
      }
      break;
  }
  return std::string(value);
}

}  // namespace connector::mustache
