#include "broker/callers/oidc/key_source.h"

#include <boost/json.hpp>

#include <utility>

namespace connector::broker::callers {
namespace {

namespace json = boost::json;

Error Unavailable(const KeySource& source, const std::string& what) {
  return MakeError(ErrorCode::kUnavailable,
                   ErrorOrigin::kUpstream,
                   "keys of issuer " + source.issuer + ": " + what,
                   Retry::kSafe);
}

Result<http::Url> ParseAllowed(std::string_view text, bool allow_insecure) {
  auto url = http::ParseUrl(text);
  if (url && !url->origin.tls && !allow_insecure) {
    return MakeError(ErrorCode::kInvalidArgument,
                     ErrorOrigin::kSelf,
                     "is an http URL; use https, or allow_insecure for development");
  }
  return url;
}

}  // namespace

Result<http::Url> DiscoveryUrl(std::string_view issuer, bool allow_insecure) {
  auto url = ParseAllowed(issuer, allow_insecure);
  if (!url) {
    return url;
  }
  if (issuer.find('?') != std::string_view::npos) {
    return MakeError(
        ErrorCode::kInvalidArgument, ErrorOrigin::kSelf, "an issuer has no query (RFC 8414 2)");
  }
  if (url->path.ends_with('/')) {
    url->path.pop_back();
  }
  url->path += "/.well-known/openid-configuration";
  return url;
}

Result<http::Url> ReadDiscovery(const KeySource& source, std::string_view document) {
  if (document.size() > kMaxDiscoveryBytes) {
    return Unavailable(source, "the discovery document is over 64 KiB");
  }
  boost::system::error_code ec;
  const json::value root = json::parse(document, ec);
  const json::object* object = ec ? nullptr : root.if_object();
  if (object == nullptr) {
    return Unavailable(source, "the discovery document is not a JSON object");
  }
  const json::value* issuer = object->if_contains("issuer");
  if (issuer == nullptr || !issuer->is_string() ||
      std::string_view(issuer->get_string()) != source.issuer) {
    return Unavailable(source, "the discovery document names another issuer");
  }
  const json::value* uri = object->if_contains("jwks_uri");
  if (uri == nullptr || !uri->is_string()) {
    return Unavailable(source, "the discovery document has no jwks_uri");
  }
  auto url = ParseAllowed(std::string_view(uri->get_string()), source.allow_insecure);
  if (!url) {
    return Unavailable(source, "jwks_uri " + url.error().message);
  }
  return url;
}

Task<Result<jose::JwkSet>> FetchKeys(KeySource source, FetchDocument fetch, Deadline deadline) {
  std::optional<http::Url> uri = source.jwks_uri;
  if (!uri) {
    const auto discovery = DiscoveryUrl(source.issuer, source.allow_insecure);
    if (!discovery) {
      co_return Unavailable(source, discovery.error().message);
    }
    const auto document = co_await fetch(*discovery, source.ca_pem, deadline);
    if (!document) {
      co_return Unavailable(source, "discovery: " + document.error().message);
    }
    auto found = ReadDiscovery(source, *document);
    if (!found) {
      co_return std::move(found).error();
    }
    uri = *std::move(found);
  }
  const auto text = co_await fetch(*uri, source.ca_pem, deadline);
  if (!text) {
    co_return Unavailable(source, "jwks_uri: " + text.error().message);
  }
  auto keys = jose::ParseJwkSet(*text);
  if (!keys) {
    co_return Unavailable(source, keys.error().message);
  }
  co_return keys;
}

}  // namespace connector::broker::callers
