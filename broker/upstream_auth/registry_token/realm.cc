#include "broker/upstream_auth/registry_token/realm.h"

#include "common/curl/wiped_buffer.h"

#include <algorithm>
#include <bit>
#include <optional>
#include <string_view>

namespace connector::broker::upstream_auth {
namespace {

inline constexpr std::size_t kMaxQuotedRealmBytes = 200;

Error RefusedRealm(std::string message) {
  return MakeError(ErrorCode::kInvalidArgument, ErrorOrigin::kUpstream, std::move(message));
}

int HexValue(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// The name of one query parameter as the service would read it.
std::string DecodedName(std::string_view parameter) {
  const std::string_view name = parameter.substr(0, parameter.find('='));
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const bool escape = name[i] == '%' && i + 2 < name.size() && HexValue(name[i + 1]) >= 0 &&
                        HexValue(name[i + 2]) >= 0;
    if (escape) {
      out.push_back(static_cast<char>(HexValue(name[i + 1]) * 16 + HexValue(name[i + 2])));
      i += 2;
    } else {
      out.push_back(name[i]);
    }
  }
  return out;
}

// `query` without the parameters that only we may set.
std::string KeptQuery(std::string_view query, bool keep_service) {
  std::string kept;
  while (!query.empty()) {
    const std::size_t end = std::min(query.find_first_of("&;"), query.size());
    const std::string_view parameter = query.substr(0, end);
    const std::string name = DecodedName(parameter);
    const bool ours = name == "scope" || name == "client_id" || name == "account" ||
                      name == "offline_token" || (name == "service" && !keep_service);
    if (!parameter.empty() && !ours) {
      kept.append(kept.empty() ? "" : "&").append(parameter);
    }
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return kept;
}

std::string Quoted(const http::Url& realm) {
  return (realm.origin.ToString() + realm.path).substr(0, kMaxQuotedRealmBytes);
}

}  // namespace

Result<TokenEndpoint> PinnedEndpoint(const resource::Connector& connector,
                                     const oci::BearerChallenge& challenge) {
  const std::string registry = connector.address.Authority();
  Result<http::Url> parsed = http::ParseUrl(challenge.realm);
  if (!parsed) {
    return RefusedRealm("the registry " + registry +
                        " names a token service that is not a URL: " + parsed.error().message);
  }
  http::Url realm = *std::move(parsed);
  const std::optional<http::Url>& pin = connector.upstream.token_realm;
  // docs/promises.md P5: without an exact match the credential goes nowhere.
  if (pin && (realm.origin != pin->origin || realm.path != pin->path)) {
    return RefusedRealm(
        "the registry " + registry + " sends clients to the token service " + Quoted(realm) +
        ", but connector " + connector.ref.ToString() +
        " pins another; if that service is right, set spec.upstream.tokenRealm to it");
  }
  if (!pin && realm.origin != connector.address) {
    return RefusedRealm(
        "the registry " + registry + " sends clients to the token service " + Quoted(realm) +
        " on another origin, which connector " + connector.ref.ToString() +
        " does not allow; if that service is right, set spec.upstream.tokenRealm to it");
  }
  if (!realm.origin.tls && !connector.upstream.allow_insecure) {
    return RefusedRealm("the token service " + Quoted(realm) +
                        " is not https; set spec.upstream.tokenRealm to an https URL, or "
                        "spec.upstream.allowInsecureUpstream: true");
  }
  const bool pinned_query = pin && !pin->query.empty();
  realm.query = KeptQuery(pinned_query ? pin->query : realm.query, challenge.service.empty());
  return TokenEndpoint{std::move(realm), challenge.service};
}

std::vector<oci::Scope> OrderedForTokenService(std::vector<oci::Scope> scopes) {
  std::stable_sort(scopes.begin(), scopes.end(), [](const auto& a, const auto& b) {
    return std::popcount(a.actions.bits()) > std::popcount(b.actions.bits());
  });
  return scopes;
}

http::Url TokenUrl(const TokenEndpoint& endpoint, const std::vector<oci::Scope>& scopes) {
  curl::WipedBuffer query;
  query.Append(endpoint.realm.query);
  const auto add = [&query](std::string_view name, std::string_view value) {
    query.Append(query.size() == 0 ? "" : "&");
    query.Append(name);
    query.Append("=");
    query.AppendPercentEncoded(value);
  };
  if (!endpoint.service.empty()) {
    add("service", endpoint.service);
  }
  for (const oci::Scope& scope : scopes) {
    add("scope", scope.ToString());
  }
  add("client_id", kClientId);
  http::Url url = endpoint.realm;
  url.query = std::string(query.view());
  return url;
}

Secret TokenForm(const TokenEndpoint& endpoint,
                 const std::vector<oci::Scope>& scopes,
                 const secrets::RegistryCredential& credential) {
  curl::WipedBuffer form;
  const auto add = [&form](std::string_view name, std::string_view value) {
    form.Append(form.size() == 0 ? "" : "&");
    form.Append(name);
    form.Append("=");
    form.AppendPercentEncoded(value);
  };
  if (credential.identity_token.empty()) {
    add("grant_type", "password");
    add("username", credential.username);
    add("password", credential.password.Reveal());
  } else {
    add("grant_type", "refresh_token");
    add("refresh_token", credential.identity_token.Reveal());
  }
  if (!endpoint.service.empty()) {
    add("service", endpoint.service);
  }
  if (!scopes.empty()) {
    std::string joined;
    for (const oci::Scope& scope : scopes) {
      joined.append(joined.empty() ? "" : " ").append(scope.ToString());
    }
    add("scope", joined);
  }
  add("client_id", kClientId);
  return Secret(form.view());
}

}  // namespace connector::broker::upstream_auth
