#include "common/resource/registry_secret.h"

#include "common/base/encoding.h"
#include "common/json/wiped_json.h"
#include "common/routing/host_pattern.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <array>
#include <optional>

namespace connector::resource {
namespace {

namespace json = boost::json;

constexpr std::string_view kDockerConfigType = "kubernetes.io/dockerconfigjson";
constexpr const char* kDockerConfigKey = ".dockerconfigjson";
constexpr std::array<std::string_view, 4> kPlainTypes = {
    "", "Opaque", "kubernetes.io/basic-auth", "cpaas.io/distribution-registry-token"};

Error Invalid(std::string message) {
  return MakeError(ErrorCode::kInvalidArgument, ErrorOrigin::kSelf, std::move(message));
}

std::string Quoted(std::string_view key) {
  return "key " + std::string(key);
}

// `where` says which key of the secret the values come from.
Result<RegistrySecret> FromPair(std::string_view username,
                                std::string_view password,
                                const std::string& where) {
  if (username.empty()) {
    return Invalid(where + " has no user name");
  }
  if (password.empty()) {
    return Invalid(where + " has no password");
  }
  if (username.find(':') != std::string_view::npos) {
    return Invalid(where + " has a user name with ':', which Basic authentication cannot carry");
  }
  for (const std::string_view value : {username, password}) {
    if (value.find_first_of("\r\n") != std::string_view::npos) {
      return Invalid(where + " has a line break in a value; encode it without one (printf %s)");
    }
  }
  return RegistrySecret{std::string(username), Secret(password), Secret()};
}

Result<RegistrySecret> ReadPlain(const std::map<std::string, Secret>& data) {
  for (const char* key : {"username", "password"}) {
    const auto found = data.find(key);
    if (found == data.end()) {
      return Invalid("lacks the " + Quoted(key) + "; it needs username and password");
    }
    if (found->second.empty()) {
      return Invalid("has an empty " + Quoted(key) + "; give it a value");
    }
  }
  return FromPair(
      data.at("username").Reveal(), data.at("password").Reveal(), "the pair username and password");
}

std::string WithoutDefaultPort(std::string_view host) {
  for (const std::string_view port : {":443", ":80"}) {
    if (host.ends_with(port)) {
      host.remove_suffix(port.size());
      break;
    }
  }
  return std::string(host);
}

// The host that a key of "auths" names: "https://index.docker.io/v1/" is "index.docker.io". Keys
// with another path name a repository, not the registry.
std::optional<std::string> HostOfKey(std::string_view key) {
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (key.starts_with(scheme)) {
      key.remove_prefix(scheme.size());
      break;
    }
  }
  const std::size_t slash = std::min(key.find('/'), key.size());
  const std::string_view path = key.substr(slash);
  for (const std::string_view known : {"", "/", "/v1", "/v1/", "/v2", "/v2/"}) {
    if (path == known) {
      std::string host(key.substr(0, slash));
      std::transform(host.begin(), host.end(), host.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
      });
      return WithoutDefaultPort(host);
    }
  }
  return std::nullopt;
}

std::string_view TextOf(const json::object& object, const char* key) {
  const json::value* value = object.if_contains(key);
  const json::string* text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? std::string_view() : std::string_view(text->data(), text->size());
}

Result<RegistrySecret> ReadEntry(const json::object& entry) {
  const std::string where = "the registry's entry in " + Quoted(kDockerConfigKey);
  if (const std::string_view token = TextOf(entry, "identitytoken"); !token.empty()) {
    return RegistrySecret{{}, {}, Secret(token)};
  }
  const std::string_view auth = TextOf(entry, "auth");
  if (auth.empty()) {
    return FromPair(TextOf(entry, "username"), TextOf(entry, "password"), where);
  }
  std::optional<std::string> pair = Base64Decode(auth);
  if (!pair) {
    return Invalid(where + " has an auth that is not base64 of USER:PASSWORD");
  }
  const std::size_t colon = std::min(pair->find(':'), pair->size());
  const std::string_view view(*pair);
  Result<RegistrySecret> out =
      FromPair(view.substr(0, colon), view.substr(std::min(colon + 1, view.size())), where);
  OPENSSL_cleanse(pair->data(), pair->size());
  return out;
}

const json::object* FindEntry(const json::object& auths, std::string_view registry_host) {
  const std::string wanted = WithoutDefaultPort(registry_host);
  const json::object* other_name = nullptr;
  for (const auto& [key, value] : auths) {
    const std::optional<std::string> host = HostOfKey(std::string_view(key.data(), key.size()));
    if (!host || !value.is_object()) {
      continue;
    }
    if (*host == wanted) {
      return &value.get_object();
    }
    if (routing::IsDockerHubHost(*host) && routing::IsDockerHubHost(wanted)) {
      other_name = &value.get_object();
    }
  }
  return other_name;
}

Result<RegistrySecret> ReadDockerConfig(const std::map<std::string, Secret>& data,
                                        std::string_view registry_host) {
  const auto found = data.find(kDockerConfigKey);
  if (found == data.end()) {
    return Invalid("lacks the " + Quoted(kDockerConfigKey));
  }
  WipingMemory memory;
  const std::optional<json::object> config = ParseWipedObject(found->second.Reveal(), memory);
  const json::value* auths = config ? config->if_contains("auths") : nullptr;
  if (auths == nullptr || !auths->is_object()) {
    return Invalid(Quoted(kDockerConfigKey) +
                   R"( is not docker's configuration; write {"auths": {"HOST": {...}}})");
  }
  const json::object* entry = FindEntry(auths->get_object(), registry_host);
  if (entry == nullptr) {
    return Invalid(Quoted(kDockerConfigKey) + " has no entry for " + std::string(registry_host) +
                   " under auths");
  }
  return ReadEntry(*entry);
}

}  // namespace

Result<RegistrySecret> ReadRegistrySecret(const std::string& type,
                                          const std::map<std::string, Secret>& data,
                                          std::string_view registry_host) {
  if (type == kDockerConfigType) {
    return ReadDockerConfig(data, registry_host);
  }
  if (std::find(kPlainTypes.begin(), kPlainTypes.end(), type) == kPlainTypes.end()) {
    return Invalid(
        "has a type that holds no registry credential; use kubernetes.io/basic-auth, "
        "kubernetes.io/dockerconfigjson or Opaque");
  }
  return ReadPlain(data);
}

}  // namespace connector::resource
