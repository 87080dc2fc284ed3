#include "common/http/origin.h"

#include "common/base/ascii.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <vector>

namespace connector::http {
namespace {

Error Invalid(std::string message) {
  return MakeError(ErrorCode::kInvalidArgument, ErrorOrigin::kSelf, std::move(message));
}

bool IsHostCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

bool IsUrlByte(char c) {
  return c > 0x20 && c < 0x7F && c != '\\' && c != '"' && c != '<' && c != '>';
}

Result<std::string> ParseHost(std::string_view text) {
  const std::string host = Lower(text);
  if (host.empty()) {
    return Invalid("the host is empty");
  }
  if (!std::all_of(host.begin(), host.end(), IsHostCharacter) || host.front() == '.' ||
      host.find("..") != std::string::npos || host.size() > 253) {
    return Invalid("the host is not a DNS name or an IP address");
  }
  // Resolvers read "127.1" or "0x7f000001" as addresses; only dotted quads are taken as such.
  const std::string_view last = std::string_view(host).substr(host.rfind('.') + 1);
  const bool numeric = !last.empty() && ((last[0] >= '0' && last[0] <= '9'));
  in_addr address{};
  if (numeric && ::inet_pton(AF_INET, host.c_str(), &address) != 1) {
    const bool all_digits =
        std::all_of(last.begin(), last.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (all_digits || last.starts_with("0x")) {
      return Invalid("the host looks like an IP address in a short or non-decimal form");
    }
  }
  return host;
}

Result<std::string> ParseIpv6(std::string_view text) {
  in6_addr address{};
  const std::string plain(text);
  if (::inet_pton(AF_INET6, plain.c_str(), &address) != 1) {
    return Invalid("the bracketed host is not an IPv6 address");
  }
  char canonical[INET6_ADDRSTRLEN];
  ::inet_ntop(AF_INET6, &address, canonical, sizeof canonical);
  return std::string(canonical);
}

Result<std::uint16_t> ParsePort(std::string_view text) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port == 0 || port > 65535) {
    return Invalid("the port must be a number from 1 to 65535");
  }
  return static_cast<std::uint16_t>(port);
}

Result<Origin> ParseAuthority(bool tls, std::string_view authority) {
  if (authority.find('@') != std::string_view::npos) {
    return Invalid("user information before '@' is not allowed");
  }
  Origin origin{tls, {}, static_cast<std::uint16_t>(tls ? 443 : 80)};
  std::string_view port;
  bool has_port = false;
  Result<std::string> host = std::string();
  if (authority.starts_with('[')) {
    const std::size_t close = authority.find(']');
    if (close == std::string_view::npos) {
      return Invalid("'[' without ']' in the host");
    }
    host = ParseIpv6(authority.substr(1, close - 1));
    const std::string_view rest = authority.substr(close + 1);
    if (!rest.empty() && rest[0] != ':') {
      return Invalid("unexpected text after ']'");
    }
    has_port = !rest.empty();
    port = has_port ? rest.substr(1) : rest;
  } else {
    const std::size_t colon = authority.find(':');
    has_port = colon != std::string_view::npos;
    port = has_port ? authority.substr(colon + 1) : std::string_view();
    host = ParseHost(authority.substr(0, colon));
  }
  if (!host) {
    return std::move(host).error();
  }
  origin.host = *std::move(host);
  if (has_port) {
    const Result<std::uint16_t> parsed = ParsePort(port);
    if (!parsed) {
      return parsed.error();
    }
    origin.port = *parsed;
  }
  return origin;
}

std::string RemoveDotSegments(std::string_view path) {
  std::vector<std::string_view> kept;
  bool trailing = false;
  std::size_t start = 1;
  while (start <= path.size()) {
    std::size_t end = path.find('/', start);
    end = end == std::string_view::npos ? path.size() : end;
    const std::string_view segment = path.substr(start, end - start);
    trailing = segment == "." || segment == "..";
    if (segment == "..") {
      if (!kept.empty()) {
        kept.pop_back();
      }
    } else if (segment != ".") {
      kept.push_back(segment);
    }
    start = end + 1;
  }
  std::string out;
  for (const std::string_view segment : kept) {
    out.append("/").append(segment);
  }
  if (trailing || out.empty()) {
    out.push_back('/');
  }
  return out;
}

// Scheme of an absolute reference: letters up to the first ':' that precedes any of "/?#".
std::optional<std::string> SchemeOf(std::string_view text) {
  const std::size_t colon = text.find_first_of(":/?#");
  if (colon == std::string_view::npos || colon == 0 || text[colon] != ':') {
    return std::nullopt;
  }
  return Lower(text.substr(0, colon));
}

bool IsWrittenRaw(char c) {
  return c == '"' || c == '<' || c == '>' || c == ' ' || static_cast<unsigned char>(c) >= 0x80;
}

// The reference as it may stand in a request line. What stores write, and ParseUrl refuses, is read
// as browsers do: a fragment is left out (RFC 9110 section 10.2.2), and a quote, '<', '>', a space
// and bytes outside ASCII are percent-encoded, but for those in the host.
std::string Tidy(std::string_view reference) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  reference = reference.substr(0, reference.find('#'));
  const std::size_t slashes = reference.find("//");
  const bool has_authority =
      slashes == 0 || (slashes != std::string_view::npos && reference[slashes - 1] == ':' &&
                       slashes - 1 == reference.find_first_of(":/?"));
  std::size_t begin = has_authority ? reference.find_first_of("/?", slashes + 2) : 0;
  begin = std::min(begin, reference.size());
  std::string out(reference.substr(0, begin));
  for (const char c : reference.substr(begin)) {
    if (IsWrittenRaw(c)) {
      const auto byte = static_cast<unsigned char>(c);
      out.append({'%', kHex[byte >> 4], kHex[byte & 0xF]});
    } else {
      out.push_back(c);
    }
  }
  return out;
}

// A line break in a path, though it is encoded, is never meant well.
bool HasEncodedControl(std::string_view path) {
  for (std::size_t at = path.find('%'); at != std::string_view::npos; at = path.find('%', at + 1)) {
    const std::string_view code = path.substr(at + 1, 2);
    if (code.starts_with('0') || code.starts_with('1') || Lower(code) == "7f") {
      return true;
    }
  }
  return false;
}

}  // namespace

std::string Origin::Authority() const {
  std::string out = HostIsIpv6() ? "[" + host + "]" : host;
  if (port != (tls ? 443 : 80)) {
    out.append(":").append(std::to_string(port));
  }
  return out;
}

std::string Origin::ToString() const {
  return (tls ? "https://" : "http://") + Authority();
}

Result<Url> ParseUrl(std::string_view text) {
  if (text.size() > 16 * 1024 || !std::all_of(text.begin(), text.end(), IsUrlByte)) {
    return Invalid("the URL holds white space, a control character, a backslash or non-ASCII text");
  }
  const std::optional<std::string> scheme = SchemeOf(text);
  if (!scheme) {
    return Invalid("the URL has no scheme; write https://HOST");
  }
  if (*scheme != "https" && *scheme != "http") {
    return Invalid("the scheme must be https or http");
  }
  std::string_view rest = text.substr(scheme->size() + 1);
  if (!rest.starts_with("//")) {
    return Invalid("the scheme must be followed by //HOST");
  }
  rest.remove_prefix(2);
  if (rest.find('#') != std::string_view::npos) {
    return Invalid("a fragment (#...) is not allowed");
  }
  const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
  Result<Origin> origin = ParseAuthority(*scheme == "https", rest.substr(0, end));
  if (!origin) {
    return std::move(origin).error();
  }
  rest.remove_prefix(end);
  const std::size_t question = std::min(rest.find('?'), rest.size());
  Url url{*std::move(origin), std::string(rest.substr(0, question)), {}};
  if (url.path.empty()) {
    url.path = "/";
  }
  if (question < rest.size()) {
    url.query = std::string(rest.substr(question + 1));
  }
  return url;
}

Result<Origin> ParseOrigin(std::string_view text) {
  Result<Url> url = ParseUrl(text);
  if (!url) {
    return std::move(url).error();
  }
  if (url->path != "/" || !url->query.empty() || text.ends_with('?')) {
    return Invalid("only scheme, host and port may stand here, without a path");
  }
  return std::move(url->origin);
}

Result<Url> ResolveReference(const Url& base, std::string_view raw) {
  const std::string reference = Tidy(raw);
  if (reference.empty()) {
    return Invalid("the reference is empty");
  }
  std::string text = base.origin.ToString();
  if (SchemeOf(reference)) {
    text = reference;
  } else if (reference.starts_with("//")) {
    text = (base.origin.tls ? "https:" : "http:") + reference;
  } else if (reference.starts_with('/')) {
    text.append(reference);
  } else if (reference.starts_with('?')) {
    text.append(base.path).append(reference);
  } else {
    text.append(base.path.substr(0, base.path.rfind('/') + 1)).append(reference);
  }
  Result<Url> url = ParseUrl(text);
  if (!url) {
    return url;
  }
  if (HasEncodedControl(url->path)) {
    return Invalid("the path holds an encoded control character");
  }
  url->path = RemoveDotSegments(url->path);
  return url;
}

}  // namespace connector::http
