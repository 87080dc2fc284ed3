#include "common/admin/status_page.h"

#include "common/base/encoding.h"

#include <openssl/sha.h>

#include <array>

namespace connector::admin {
namespace {

constexpr std::string_view kTitlePlace = "{{title}}";

// What stands between the first `open` and the `close` after it.
std::string_view Between(std::string_view text, std::string_view open, std::string_view close) {
  const std::size_t begin = text.find(open) + open.size();
  return text.substr(begin, text.find(close, begin) - begin);
}

std::string SourceHash(std::string_view inline_source) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(inline_source.data()),
         inline_source.size(),
         digest.data());
  const std::string_view bytes(reinterpret_cast<const char*>(digest.data()), digest.size());
  return "'sha256-" + Base64Encode(bytes) + "'";
}

std::string EscapeHtml(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

}  // namespace

StatusPage MakeStatusPage(std::string_view title) {
  StatusPage page;
  page.html = kStatusPageTemplate;
  const std::string escaped = EscapeHtml(title);
  for (std::size_t at = page.html.find(kTitlePlace); at != std::string::npos;
       at = page.html.find(kTitlePlace, at + escaped.size())) {
    page.html.replace(at, kTitlePlace.size(), escaped);
  }
  page.content_security_policy =
      "default-src 'none'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
      "frame-ancestors 'none'; style-src " +
      SourceHash(Between(page.html, "<style>", "</style>")) + "; script-src " +
      SourceHash(Between(page.html, "<script>", "</script>"));
  return page;
}

}  // namespace connector::admin
