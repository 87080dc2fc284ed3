#include "dataplane/oci/upload_cookies.h"

#include "common/base/ascii.h"
#include "common/resilience/retry_after.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

namespace connector::dataplane::oci {
namespace {

using Cookie = std::pair<std::string, std::string>;

std::string_view Trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) {
    return {};
  }
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// Takes what stands before `mark` off the front of `rest`.
std::string_view Cut(std::string_view& rest, char mark) {
  const std::size_t end = std::min(rest.find(mark), rest.size());
  const std::string_view part = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return Trim(part);
}

bool IsName(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return c > ' ' && c < '\x7F' &&
           std::string_view("()<>@,;:\\\"/[]?={}").find(c) == std::string_view::npos;
  });
}

bool IsValue(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return c > ' ' && c < '\x7F' && c != ';' && c != ',' && c != '\\';
  });
}

std::vector<Cookie> Split(std::string_view value) {
  std::vector<Cookie> cookies;
  while (!value.empty()) {
    std::string_view pair = Cut(value, ';');
    const std::string_view name = Cut(pair, '=');
    cookies.emplace_back(name, pair);
  }
  return cookies;
}

std::string Join(const std::vector<Cookie>& cookies) {
  std::string out;
  for (const auto& [name, value] : cookies) {
    out.append(out.empty() ? "" : "; ").append(name).append("=").append(value);
  }
  return out;
}

bool CoversDomain(std::string_view domain, std::string_view host) {
  domain.remove_prefix(domain.starts_with('.') ? 1 : 0);
  const std::string lower = Lower(domain);
  return lower.empty() || host == lower || host.ends_with("." + lower);
}

bool CoversPath(std::string_view cookie_path, std::string_view path) {
  if (!cookie_path.starts_with('/') || cookie_path == path) {
    return true;  // No path is the default one, which leads to this upload.
  }
  return path.starts_with(cookie_path) &&
         (cookie_path.ends_with('/') || path[cookie_path.size()] == '/');
}

struct SetCookie {
  std::string_view name;
  std::string_view value;
  bool applies = true;
  bool ended = false;
};

SetCookie Read(std::string_view field, const http::Url& next, std::int64_t now) {
  std::string_view pair = Cut(field, ';');
  SetCookie cookie;
  cookie.name = Cut(pair, '=');
  cookie.value = Trim(pair);
  bool has_max_age = false;  // It goes before Expires.
  while (!field.empty()) {
    std::string_view value = Cut(field, ';');
    const std::string key = Lower(Cut(value, '='));
    value = Trim(value);
    if (key == "secure") {
      cookie.applies = cookie.applies && next.origin.tls;
    } else if (key == "domain") {
      cookie.applies = cookie.applies && CoversDomain(value, next.origin.host);
    } else if (key == "path") {
      cookie.applies = cookie.applies && CoversPath(value, next.path);
    } else if (key == "max-age") {
      has_max_age = true;
      cookie.ended =
          value.starts_with('-') || value.find_first_not_of('0') == std::string_view::npos;
    } else if (key == "expires" && !has_max_age) {
      const auto left = resilience::ReadRetryAfter(std::string(value), {.now_unix = now});
      cookie.ended = left == std::chrono::seconds(0);
    }
  }
  return cookie;
}

}  // namespace

std::string CookiesAfter(std::string_view sent,
                         const http::HeaderFields& answer,
                         const http::Url& next,
                         std::int64_t now) {
  std::vector<Cookie> cookies = Split(sent);
  std::size_t bytes = sent.size();
  for (const http::HeaderField& field : answer) {
    if (!http::EqualsIgnoreCase(field.name, "set-cookie")) {
      continue;
    }
    const SetCookie set = Read(field.value, next, now);
    if (!set.applies || !IsName(set.name) || !IsValue(set.value)) {
      continue;
    }
    const auto old = std::find_if(cookies.begin(), cookies.end(), [&](const Cookie& cookie) {
      return cookie.first == set.name;
    });
    if (old != cookies.end()) {
      bytes -= old->first.size() + old->second.size() + 3;
      cookies.erase(old);
    }
    const std::size_t size = set.name.size() + set.value.size() + 3;
    if (!set.ended && cookies.size() < kMaxUploadCookies && bytes + size <= kMaxUploadCookieBytes) {
      cookies.emplace_back(set.name, set.value);
      bytes += size;
    }
  }
  return Join(cookies);
}

bool IsCookieValue(std::string_view text) {
  const std::vector<Cookie> cookies = Split(text);
  return text.size() <= kMaxUploadCookieBytes && cookies.size() <= kMaxUploadCookies &&
         std::all_of(
             cookies.begin(),
             cookies.end(),
             [](const Cookie& cookie) { return IsName(cookie.first) && IsValue(cookie.second); }) &&
         Join(cookies) == text;
}

}  // namespace connector::dataplane::oci
