#pragma once

// The classes of bytes that heads are made of, and the fast way past the plain ones. Private to the
// head parser.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace connector::http {

enum ByteClass : std::uint8_t {
  kTokenByte = 1,   // RFC 9110 section 5.6.2
  kTargetByte = 2,  // Printable ASCII without space and '#'.
  kPlainByte = 4,   // Printable ASCII and HTAB.
  kHostByte = 8,    // Of a registered name, narrowed.
  kDigitByte = 16,
};

constexpr std::array<std::uint8_t, 256> MakeByteClasses() {
  std::array<std::uint8_t, 256> classes{};
  for (std::size_t c = 0x20; c < 0x7F; ++c) {
    classes[c] |= kPlainByte;
    if (c != ' ' && c != '#') {
      classes[c] |= kTargetByte;
    }
  }
  classes['\t'] |= kPlainByte;
  for (std::size_t i = 0; i < 26; ++i) {
    classes['a' + i] |= kTokenByte | kHostByte;
    classes['A' + i] |= kTokenByte | kHostByte;
  }
  for (std::size_t i = 0; i < 10; ++i) {
    classes['0' + i] |= kTokenByte | kHostByte | kDigitByte;
  }
  for (const char c : std::string_view("!#$%&'*+-.^_`|~")) {
    classes[static_cast<unsigned char>(c)] |= kTokenByte;
  }
  for (const char c : std::string_view("-._")) {
    classes[static_cast<unsigned char>(c)] |= kHostByte;
  }
  return classes;
}

inline constexpr std::array<std::uint8_t, 256> kByteClasses = MakeByteClasses();

[[nodiscard]] constexpr bool Is(ByteClass wanted, char c) {
  return (kByteClasses[static_cast<unsigned char>(c)] & wanted) != 0;
}

// The first position at or after `pos` whose byte is not of the class; text.size() when none.
[[nodiscard]] inline std::size_t SkipClass(ByteClass wanted,
                                           std::string_view text,
                                           std::size_t pos) {
  while (pos < text.size() && Is(wanted, text[pos])) {
    ++pos;
  }
  return pos;
}

// The same for kPlainByte, eight bytes at a time while none of them is a control or 8-bit byte.
[[nodiscard]] inline std::size_t SkipPlain(std::string_view text, std::size_t pos) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  while (pos + 8 <= text.size()) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + pos, 8);
    const std::uint64_t below_space = (word - kOnes * 0x20) & ~word;
    const std::uint64_t above_tilde = (word + kOnes) | word;
    if (((below_space | above_tilde) & (kOnes * 0x80)) != 0) {
      break;
    }
    pos += 8;
  }
  return SkipClass(kPlainByte, text, pos);
}

}  // namespace connector::http
