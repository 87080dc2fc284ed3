#include "cli/kubelet_credentials.h"

#include "common/base/input_error.h"
#include "common/http/origin.h"
#include "common/jose/claims.h"
#include "common/json/wiped_json.h"
#include "common/oci/reference.h"
#include "common/render/volume.h"
#include "common/resource/names.h"
#include "common/routing/connector_host.h"

#include <boost/json.hpp>

#include <algorithm>
#include <utility>

namespace connector::cli {
namespace {

namespace json = boost::json;

constexpr std::string_view kApiVersion = "credentialprovider.kubelet.k8s.io/v1";
constexpr std::size_t kMaxImageBytes = 1024;

bool IsAuthority(std::string_view text, bool port) {
  return !text.empty() && text.find_first_of("/?") == std::string_view::npos &&
         (port || text.find(':') == std::string_view::npos) &&
         std::none_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; }) &&
         http::ParseOrigin("https://" + std::string(text)).has_value();
}

// Takes what stands before `end` off the front of `text`, and `end` with it.
std::optional<std::string_view> Take(std::string_view& text, char end) {
  const std::size_t at = text.find(end);
  if (at == std::string_view::npos) {
    return std::nullopt;
  }
  const std::string_view taken = text.substr(0, at);
  text.remove_prefix(at + 1);
  return taken;
}

bool IsHostForm(std::string_view authority, const std::vector<std::string>& suffixes) {
  return std::holds_alternative<ConnectorRef>(routing::ReadConnectorHost(authority, suffixes));
}

bool IsPathForm(std::string_view repository) {
  const auto namespaces = Take(repository, '/');
  const auto ns = Take(repository, '/');
  const auto connectors = Take(repository, '/');
  const auto name = Take(repository, '/');
  return name && namespaces == "namespaces" && connectors == "connectors" &&
         resource::IsDnsLabel(*ns) && resource::IsDnsLabel(*name);
}

// The repository of "repository[:tag][@digest]"; empty when it is none.
std::string_view RepositoryOf(std::string_view rest) {
  rest = rest.substr(0, rest.find('@'));
  const std::size_t colon = rest.find(':');
  const std::string_view repository = rest.substr(0, colon);
  const bool tagged = colon == std::string_view::npos || oci::IsTag(rest.substr(colon + 1));
  return tagged && oci::IsRepository(repository) ? repository : std::string_view();
}

std::string_view View(const json::string& text) {
  return {text.data(), text.size()};
}

// A text member; nullopt when it is absent or anything else.
std::optional<std::string_view> TextOf(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(json::string_view(name.data(), name.size()));
  if (value == nullptr || !value->is_string()) {
    return std::nullopt;
  }
  return View(value->get_string());
}

Result<std::chrono::seconds> CacheTime(std::string_view token,
                                       std::chrono::seconds longest,
                                       WallTime now) {
  const Result<jose::Claims> claims = jose::UnverifiedClaims(token);
  if (!claims) {
    return MakeError(ErrorCode::kUnauthenticated,
                     ErrorOrigin::kClient,
                     "serviceAccountToken is not a JSON Web Token: " + claims.error().message);
  }
  const std::optional<WallTime> end = claims->expires_at;
  if (!end) {
    return std::chrono::seconds(0);
  }
  if (*end <= now) {
    return MakeError(ErrorCode::kUnauthenticated,
                     ErrorOrigin::kClient,
                     "serviceAccountToken has ended; is the node's clock right?");
  }
  const auto left = std::chrono::duration_cast<std::chrono::seconds>(*end - now) - kTokenMargin;
  return std::clamp(left, std::chrono::seconds(0), longest);
}

// Every member but `auth`.
std::string Opening(std::chrono::seconds cache) {
  return "{\"kind\":\"CredentialProviderResponse\",\"apiVersion\":\"" + std::string(kApiVersion) +
         "\",\"cacheKeyType\":\"Registry\",\"cacheDuration\":\"" + std::to_string(cache.count()) +
         "s\"";
}

}  // namespace

Result<Done> CheckHosts(const ProviderHosts& hosts) {
  const auto check = [](const std::vector<std::string>& list, bool port, const std::string& flag) {
    const auto wrong = std::find_if_not(
        list.begin(), list.end(), [&](const std::string& text) { return IsAuthority(text, port); });
    return wrong == list.end()
               ? Result<Done>(Done{})
               : InvalidInput("--" + flag + " must be HOST" + (port ? "[:PORT]" : "") +
                              " in lower case, without a scheme or a path");
  };
  for (const Result<Done>& checked : {check(hosts.suffixes, false, "host-suffix"),
                                      check(hosts.path, true, "path-host"),
                                      check(hosts.mirrors, true, "mirror-host")}) {
    if (!checked) {
      return checked;
    }
  }
  return Done{};
}

std::optional<std::string> CredentialHost(std::string_view image, const ProviderHosts& hosts) {
  if (image.size() > kMaxImageBytes) {
    return std::nullopt;
  }
  const std::optional<std::string_view> authority = Take(image, '/');
  if (!authority || !IsAuthority(*authority, true)) {
    return std::nullopt;
  }
  const std::string_view repository = RepositoryOf(image);
  const auto listed = [&](const std::vector<std::string>& list) {
    return std::find(list.begin(), list.end(), *authority) != list.end();
  };
  const bool ours = IsHostForm(*authority, hosts.suffixes) || listed(hosts.mirrors) ||
                    (listed(hosts.path) && IsPathForm(repository));
  return ours && !repository.empty() ? std::optional<std::string>(*authority) : std::nullopt;
}

Result<Secret> AnswerKubelet(std::string_view request,
                             const ProviderHosts& hosts,
                             std::chrono::seconds longest,
                             WallTime now) {
  WipingMemory memory;
  const std::optional<json::object> object = ParseWipedObject(request, memory);
  if (!object) {
    return InvalidInput(
        "standard input is not a JSON object; this command is started by the kubelet");
  }
  if (TextOf(*object, "apiVersion") != kApiVersion) {
    return InvalidInput("the request's apiVersion is not " + std::string(kApiVersion) +
                        "; write that in the kubelet's CredentialProviderConfig");
  }
  if (TextOf(*object, "kind") != "CredentialProviderRequest") {
    return InvalidInput("the request's kind is not CredentialProviderRequest");
  }
  const std::optional<std::string_view> image = TextOf(*object, "image");
  if (!image || image->empty()) {
    return InvalidInput("the request names no image");
  }
  const std::optional<std::string> host = CredentialHost(*image, hosts);
  if (!host) {
    return Secret(Opening(std::chrono::seconds(0)) + "}\n");
  }
  const std::string_view token = TextOf(*object, "serviceAccountToken").value_or("");
  if (token.empty()) {
    return InvalidInput(
        "the request has no serviceAccountToken; write tokenAttributes with "
        "serviceAccountTokenAudience, cacheType: Token and requireServiceAccount: true in "
        "the kubelet's CredentialProviderConfig");
  }
  // A quote or a backslash, too, would need escaping below; no token has one.
  if (!std::all_of(token.begin(), token.end(), [](char c) {
        return c > 0x20 && c < 0x7F && c != '"' && c != '\\';
      })) {
    return InvalidInput("serviceAccountToken holds a character that no token has");
  }
  const Result<std::chrono::seconds> cache = CacheTime(token, longest, now);
  if (!cache) {
    return cache.error();
  }
  return Secret(Opening(*cache) + ",\"auth\":{\"" + *host + "\":{\"username\":\"" +
                    std::string(render::kUserName) + "\",\"password\":\"",
                token,
                "\"}}}\n");
}

}  // namespace connector::cli
