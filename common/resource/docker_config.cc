#include "common/resource/docker_config.h"

#include "common/base/encoding.h"
#include "common/json/wiped_json.h"
#include "common/resource/registry_key.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

namespace connector::resource {
namespace {

namespace json = boost::json;

constexpr std::string_view kLineBreaks = "\r\n";
constexpr std::size_t kMaxHelperName = 64;

Error InvalidConfig(std::string message) {
  return MakeError(ErrorCode::kInvalidArgument, ErrorOrigin::kSelf, std::move(message));
}

const json::object* ObjectIn(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value == nullptr ? nullptr : value->if_object();
}

// Folded and without padding too, as the kubelet reads it.
std::optional<std::string> DecodeLeniently(std::string_view text) {
  std::string clean;
  clean.reserve(text.size() + 3);
  std::copy_if(text.begin(), text.end(), std::back_inserter(clean), [](char c) {
    return kLineBreaks.find(c) == std::string_view::npos;
  });
  clean.append((4 - clean.size() % 4) % 4, '=');
  std::optional<std::string> out = Base64Decode(clean);
  OPENSSL_cleanse(clean.data(), clean.size());
  return out;
}

struct AuthEntry {
  RegistryKey key;
  const json::object* value;
};

// The entries of the registry that cover `repository`, the most specific first. Without one: all of
// the registry, that of the whole registry first.
std::vector<AuthEntry> EntriesOf(const json::object& auths,
                                 std::string_view registry,
                                 std::string_view repository) {
  std::vector<AuthEntry> out;
  for (const auto& [name, value] : auths) {
    RegistryKey key = ParseRegistryKey(std::string_view(name.data(), name.size()));
    if (value.is_object() && IsOfRegistry(key, registry) &&
        (repository.empty() || Covers(key, repository))) {
      out.push_back({std::move(key), &value.get_object()});
    }
  }
  // Of two that are equally specific, the one under the registry's own name.
  std::stable_sort(out.begin(), out.end(), [&](const AuthEntry& a, const AuthEntry& b) {
    if (repository.empty() && a.key.path.empty() != b.key.path.empty()) {
      return a.key.path.empty();
    }
    if (IsMoreSpecific(a.key, b.key) || IsMoreSpecific(b.key, a.key)) {
      return IsMoreSpecific(a.key, b.key);
    }
    return a.key.host == registry && b.key.host != registry;
  });
  return out;
}

bool HoldsNothing(const json::object& entry) {
  return TextMember(entry, "auth").empty() && TextMember(entry, "username").empty() &&
         TextMember(entry, "password").empty() && TextMember(entry, "identitytoken").empty() &&
         TextMember(entry, "registrytoken").empty();
}

Result<RegistrySecret> ReadEntry(const json::object& entry, const std::string& where) {
  if (const std::string_view token = TextMember(entry, "identitytoken"); !token.empty()) {
    return RegistrySecret{{}, {}, Secret(token)};
  }
  const std::string_view auth = TextMember(entry, "auth");
  if (auth.empty()) {
    return CheckedPair(TextMember(entry, "username"), TextMember(entry, "password"), where);
  }
  std::optional<std::string> pair = DecodeLeniently(auth);
  if (!pair) {
    return InvalidConfig("has an auth that is not base64 of USER:PASSWORD" + where);
  }
  // Docker pads with NUL bytes, and `echo USER:PASSWORD | base64` adds a line break.
  std::string_view view(*pair);
  view = view.substr(0, view.find_last_not_of('\0') + 1);
  const std::size_t colon = std::min(view.find(':'), view.size());
  const std::string_view password = view.substr(std::min(colon + 1, view.size()));
  Result<RegistrySecret> out = CheckedPair(view.substr(0, colon), WithoutLineEnd(password), where);
  OPENSSL_cleanse(pair->data(), pair->size());
  return out;
}

// A program's name; not some other text that a tool put there.
std::string NameOf(std::string_view helper) {
  const bool plain =
      helper.size() <= kMaxHelperName && std::all_of(helper.begin(), helper.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_' || c == '.';
      });
  return plain ? " " + std::string(helper) : "";
}

// Set when docker keeps the registry's credential outside of its configuration.
std::optional<Error> KeptElsewhere(const json::object& config,
                                   const std::string& where,
                                   std::string_view registry) {
  std::string keeper;
  if (const json::object* helpers = ObjectIn(config, "credHelpers")) {
    for (const auto& [name, value] : *helpers) {
      const RegistryKey key = ParseRegistryKey(std::string_view(name.data(), name.size()));
      if (value.is_string() && IsOfRegistry(key, registry)) {
        keeper = "helper" + NameOf(TextMember(*helpers, name));
      }
    }
  }
  if (const std::string_view store = TextMember(config, "credsStore");
      keeper.empty() && !store.empty()) {
    keeper = "store" + NameOf(store);
  }
  if (keeper.empty()) {
    return std::nullopt;
  }
  return InvalidConfig(
      "names only the credential " + keeper + where + ", and holds no credential for " +
      std::string(registry) +
      ": docker keeps it on the machine where somebody logged in; make the Secret with "
      "kubectl create secret docker-registry");
}

bool IsEncodedTwice(std::string_view content) {
  std::optional<std::string> decoded = DecodeLeniently(content);
  if (!decoded) {
    return false;
  }
  WipingMemory memory;
  const bool json = ParseWipedObject(*decoded, memory).has_value();
  OPENSSL_cleanse(decoded->data(), decoded->size());
  return json;
}

Error NotDockers(std::string_view content, const std::string& where, DockerConfigForm form) {
  if (IsEncodedTwice(content)) {
    return InvalidConfig("holds docker's configuration encoded twice in base64" + where +
                         "; encode it once");
  }
  return InvalidConfig("holds what is not docker's configuration" + where + "; write " +
                       (form == DockerConfigForm::kDockercfg ? R"({"HOST": {...}})"
                                                             : R"({"auths": {"HOST": {...}}})"));
}

}  // namespace

std::string_view WithoutLineEnd(std::string_view value) {
  const std::string_view body = value.substr(0, value.find_last_not_of(kLineBreaks) + 1);
  return body.find_first_of(kLineBreaks) == std::string_view::npos ? body : value;
}

Result<RegistrySecret> CheckedPair(std::string_view username,
                                   std::string_view password,
                                   const std::string& where) {
  if (username.empty()) {
    return InvalidConfig("has no user name" + where);
  }
  if (password.empty()) {
    return InvalidConfig("has no password" + where);
  }
  if (username.find(':') != std::string_view::npos) {
    return InvalidConfig("has a user name with ':'" + where +
                         ", which Basic authentication cannot carry");
  }
  if (username.find_first_of(kLineBreaks) != std::string_view::npos) {
    return InvalidConfig("has a line break in the user name" + where + "; leave it out");
  }
  if (WithoutLineEnd(password) != password) {
    return InvalidConfig("has a line break at the end of the password" + where +
                         "; leave it out: in YAML write |- for |, in a shell printf %s for echo");
  }
  return RegistrySecret{std::string(username), Secret(password), Secret()};
}

Result<RegistrySecret> ReadDockerConfig(const Secret& content,
                                        std::string_view key,
                                        DockerConfigForm form,
                                        const CredentialWanted& wanted,
                                        std::string_view repository) {
  const std::string where = " in the key " + std::string(key);
  WipingMemory memory;
  const std::optional<json::object> config = ParseWipedObject(content.Reveal(), memory);
  if (!config) {
    return NotDockers(content.Reveal(), where, form);
  }
  const bool older = form == DockerConfigForm::kDockercfg;
  const json::object* auths = older ? &*config : ObjectIn(*config, "auths");
  const std::optional<Error> elsewhere =
      older ? std::nullopt : KeptElsewhere(*config, where, wanted.registry);
  if (auths == nullptr) {
    return elsewhere ? *elsewhere : NotDockers(content.Reveal(), where, form);
  }
  Result<RegistrySecret> out = Error{};
  const std::vector<AuthEntry> entries = EntriesOf(*auths, wanted.registry, repository);
  for (const AuthEntry& entry : entries) {
    Result<RegistrySecret> read =
        elsewhere && HoldsNothing(*entry.value)
            ? Result<RegistrySecret>(*elsewhere)
            : ReadEntry(*entry.value, " in the registry's entry in the key " + std::string(key));
    if (read || &entry == &entries.front()) {
      out = std::move(read);
    }
    if (out || !repository.empty()) {
      return out;
    }
  }
  if (!entries.empty()) {
    return out;
  }
  if (elsewhere) {
    return *elsewhere;
  }
  return InvalidConfig("has no entry for " + wanted.registry +
                       (repository.empty() ? "" : "/" + std::string(repository)) + " under auths" +
                       where);
}

}  // namespace connector::resource
