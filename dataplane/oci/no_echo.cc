#include "dataplane/oci/no_echo.h"

#include "common/base/encoding.h"

#include <openssl/crypto.h>

#include <optional>
#include <string>

namespace connector::dataplane::oci {
namespace {

int HexValue(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  if (c >= 'a' && c <= 'f') {
    return c - 'a' + 10;
  }
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// `digits` hex digits at `at`, or -1.
int ReadHex(std::string_view text, std::size_t at, std::size_t digits) {
  if (at + digits > text.size()) {
    return -1;
  }
  int value = 0;
  for (const char c : text.substr(at, digits)) {
    const int digit = HexValue(c);
    if (digit < 0) {
      return -1;
    }
    value = value * 16 + digit;
  }
  return value;
}

// The text without the escapes that begin with `mark`, '%' or '\\', as far as they stand for ASCII.
std::string Unescape(std::string_view text, char mark) {
  std::string out;
  out.reserve(text.size());
  std::size_t i = 0;
  while (i < text.size()) {
    int value = -1;
    std::size_t used = 0;
    if (text[i] != mark) {
      // As it is.
    } else if (mark == '%') {
      value = ReadHex(text, i + 1, 2);
      used = 3;
    } else if (i + 1 < text.size() && text[i + 1] == 'u') {
      value = ReadHex(text, i + 2, 4);
      used = 6;
    } else if (i + 1 < text.size()) {
      value = static_cast<unsigned char>(text[i + 1]);
      used = 2;
    }
    if (value < 0 || value > 127) {
      out.push_back(text[i++]);
    } else {
      out.push_back(static_cast<char>(value));
      i += used;
    }
  }
  return out;
}

}  // namespace

NoEcho::NoEcho(std::string_view credential) : credential_(credential) {
  std::optional<std::string> pair = Base64Decode(credential);
  if (!pair) {
    return;
  }
  const std::size_t colon = pair->find(':');
  if (colon != std::string::npos && pair->size() - colon - 1 >= kMinPasswordBytes) {
    password_ = Secret(std::string_view(*pair).substr(colon + 1));
  }
  OPENSSL_cleanse(pair->data(), pair->size());
}

bool NoEcho::Found(std::string_view text) const {
  if (credential_.empty()) {
    return false;
  }
  if (FoundPlain(text)) {
    return true;
  }
  // Each by itself and one inside the other: a password may hold what looks like the other's
  // escape.
  const bool percent = text.find('%') != std::string_view::npos;
  if (percent && FoundPlain(Unescape(text, '%'))) {
    return true;
  }
  if (text.find('\\') == std::string_view::npos) {
    return false;
  }
  const std::string plain = Unescape(text, '\\');
  return FoundPlain(plain) || (percent && FoundPlain(Unescape(plain, '%')));
}

bool NoEcho::FoundPlain(std::string_view text) const {
  return text.find(credential_.Reveal()) != std::string_view::npos ||
         (!password_.empty() && text.find(password_.Reveal()) != std::string_view::npos);
}

}  // namespace connector::dataplane::oci
