#include "dataplane/oci/no_echo.h"

#include "common/base/encoding.h"

#include <openssl/crypto.h>

#include <algorithm>
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

bool IsPlainlyIn(std::string_view secret, std::string_view text) {
  return text.find(secret) != std::string_view::npos;
}

bool IsIn(const Secret& secret, std::string_view text) {
  if (secret.empty()) {
    return false;
  }
  const std::string_view value = secret.Reveal();
  if (IsPlainlyIn(value, text)) {
    return true;
  }
  // Each by itself and one inside the other: a password may hold what looks like the other's
  // escape.
  const bool percent = text.find('%') != std::string_view::npos;
  if (percent && IsPlainlyIn(value, Unescape(text, '%'))) {
    return true;
  }
  if (text.find('\\') == std::string_view::npos) {
    return false;
  }
  const std::string plain = Unescape(text, '\\');
  return IsPlainlyIn(value, plain) || (percent && IsPlainlyIn(value, Unescape(plain, '%')));
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
  return FoundWhole(text) || FoundPassword(text);
}

bool NoEcho::FoundWhole(std::string_view text) const {
  return IsIn(credential_, text);
}

bool NoEcho::FoundPassword(std::string_view text) const {
  return IsIn(password_, text);
}

bool EchoSearch::Found(std::string_view text) const {
  if (no_echo_ == nullptr || !no_echo_->Found(text)) {
    return false;
  }
  return no_echo_->FoundWhole(text) || !IsPasswordAsked();
}

bool EchoSearch::IsPasswordAsked() const {
  return no_echo_->FoundPassword(asked_->target) || no_echo_->FoundPassword(asked_->origin.host) ||
         std::any_of(asked_->hosts.begin(), asked_->hosts.end(), [&](const std::string& host) {
           return no_echo_->FoundPassword(host);
         });
}

}  // namespace connector::dataplane::oci
