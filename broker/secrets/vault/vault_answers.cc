#include "broker/secrets/vault/vault_answers.h"

#include "common/curl/wiped_buffer.h"
#include "common/json/wiped_json.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace connector::broker::secrets {
namespace {

namespace json = boost::json;

constexpr const char* kDockerConfigType = "kubernetes.io/dockerconfigjson";
constexpr const char* kDockerConfigKey = ".dockerconfigjson";

Error Nonsense(const std::string& what) {
  return MakeError(ErrorCode::kUnavailable,
                   ErrorOrigin::kUpstream,
                   "Vault's address answered with something that is not Vault's: " + what,
                   Retry::kSafe);
}

Error Invalid(std::string message) {
  return MakeError(ErrorCode::kInvalidArgument, ErrorOrigin::kUpstream, std::move(message));
}

const json::object* ObjectIn(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value == nullptr ? nullptr : value->if_object();
}

std::string_view TextIn(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string_view(value->get_string())
                                                : std::string_view();
}

bool FlagIn(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_bool() && value->get_bool();
}

// Not negative, and no longer than ten years.
std::optional<std::int64_t> NumberIn(const json::object& object, std::string_view name) {
  constexpr std::int64_t kMost = 10LL * 366 * 24 * 3600;
  const json::value* value = object.if_contains(name);
  if (value == nullptr || !value->is_int64() || value->get_int64() < 0) {
    return std::nullopt;
  }
  return std::min(value->get_int64(), kMost);
}

void TakePolicies(const json::object& object, VaultTokenGrant& grant) {
  std::vector<std::string>& out = grant.policies;
  for (const char* list : {"policies", "token_policies", "identity_policies"}) {
    const json::value* value = object.if_contains(list);
    if (value == nullptr || !value->is_array()) {
      continue;
    }
    for (const json::value& name : value->get_array()) {
      if (!name.is_string()) {
        continue;
      }
      if (name.get_string() == "default") {
        grant.has_default_policy = true;
      } else {
        out.emplace_back(std::string_view(name.get_string()));
      }
    }
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
}

bool IsHeaderText(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F; });
}

Result<VaultTokenGrant> GrantIn(const json::object& grant, const char* ttl_name) {
  VaultTokenGrant out;
  const std::optional<std::int64_t> ttl = NumberIn(grant, ttl_name);
  if (!ttl) {
    return Nonsense(std::string("no ") + ttl_name + " of a token");
  }
  out.ttl = std::chrono::seconds(*ttl);
  out.accessor = TextIn(grant, "accessor");
  out.renewable = FlagIn(grant, "renewable");
  TakePolicies(grant, out);
  return out;
}

bool IsWrapped(const json::object& root) {
  return ObjectIn(root, "wrap_info") != nullptr;
}

// The bytes of one field: text, or a whole number, which `vault kv put` makes of digits in JSON.
// Other numbers have several spellings. For a docker configuration an object too.
Result<Secret> FieldOf(const json::value& value, const std::string& key, const std::string& path) {
  if (value.is_string()) {
    return Secret(std::string_view(value.get_string()));
  }
  if (value.is_int64() || value.is_uint64()) {
    std::array<char, 24> digits{};
    const auto end =
        value.is_int64()
            ? std::to_chars(digits.data(), digits.data() + digits.size(), value.get_int64()).ptr
            : std::to_chars(digits.data(), digits.data() + digits.size(), value.get_uint64()).ptr;
    Secret out(std::string_view(digits.data(), end));
    OPENSSL_cleanse(digits.data(), digits.size());
    return out;
  }
  return Invalid("the key " + key + " of " + path + " in Vault is neither text nor a whole number");
}

Result<Secret> DockerConfigOf(const json::value& value,
                              const std::string& key,
                              const std::string& path) {
  if (!value.is_object()) {
    return FieldOf(value, key, path);
  }
  curl::WipedBuffer text;
  char piece[1024];
  json::serializer serializer;
  serializer.reset(&value);
  while (!serializer.done()) {
    const json::string_view read = serializer.read(piece);
    text.Append({read.data(), read.size()});
  }
  OPENSSL_cleanse(piece, sizeof piece);
  return Secret(text.view());
}

// The fields under the names that a Secret of the type has; what is not text is left out unless it
// is one of the two that are used.
Result<Done> TakeFields(const resource::VaultLocation& location,
                        const json::object& fields,
                        VaultReading& out) {
  if (!location.docker_config_key.empty()) {
    out.type = kDockerConfigType;
    if (const json::value* value = fields.if_contains(location.docker_config_key)) {
      Result<Secret> config = DockerConfigOf(*value, location.docker_config_key, location.path);
      if (!config) {
        return config.error();
      }
      out.data.emplace(kDockerConfigKey, *std::move(config));
    }
    return Done{};
  }
  out.type = "Opaque";
  for (const auto& member : fields) {
    const std::string key(std::string_view(member.key().data(), member.key().size()));
    const bool is_name = key == location.username_key;
    const bool is_password = key == location.password_key;
    if (!member.value().is_string() && !is_name && !is_password) {
      continue;
    }
    Result<Secret> value = FieldOf(member.value(), key, location.path);
    if (!value) {
      return value.error();
    }
    // A key that is renamed must not collide with one that happens to have that name.
    if (is_name) {
      out.data.insert_or_assign("username", value->Clone());
    }
    if (is_password) {
      out.data.insert_or_assign("password", value->Clone());
    }
    if (!is_name && !is_password && key != "username" && key != "password") {
      out.data.emplace(key, *std::move(value));
    }
  }
  return Done{};
}

const json::object* Kv2Metadata(const json::object& data) {
  const json::object* metadata = ObjectIn(data, "metadata");
  const bool is_kv2 =
      metadata != nullptr && data.contains("data") && NumberIn(*metadata, "version");
  return is_kv2 ? metadata : nullptr;
}

// The time too: a secret that was removed with all its metadata starts at version 1 again.
std::string MarkOf(const json::object& version) {
  std::string out(TextIn(version, "created_time"));
  out.append("|").append(TextIn(version, "deletion_time"));
  return out.append(FlagIn(version, "destroyed") ? "|destroyed" : "|");
}

}  // namespace

Result<VaultTokenGrant> ReadLogin(const VaultAnswer& answer) {
  WipingMemory memory;
  const auto root = ParseWipedObject(answer.body.Reveal(), memory);
  if (!root) {
    return Nonsense("a login's answer that is not a JSON object");
  }
  const json::object* auth = ObjectIn(*root, "auth");
  if (auth == nullptr) {
    return IsWrapped(*root)
               ? Result<VaultTokenGrant>(Invalid("Vault wrapped the answer to our login; "
                                                 "wrapped answers are not accepted"))
               : Nonsense("a login's answer without auth");
  }
  Result<VaultTokenGrant> out = GrantIn(*auth, "lease_duration");
  const std::string_view token = TextIn(*auth, "client_token");
  if (out && !IsHeaderText(token)) {
    return Nonsense("a login's answer without a usable token");
  }
  if (out) {
    out->token = Secret(token);
  }
  return out;
}

Result<VaultTokenGrant> ReadLookup(const VaultAnswer& answer) {
  WipingMemory memory;
  const auto root = ParseWipedObject(answer.body.Reveal(), memory);
  const json::object* data = root ? ObjectIn(*root, "data") : nullptr;
  return data == nullptr ? Nonsense("a token's lookup without data") : GrantIn(*data, "ttl");
}

Result<VaultLeaseGrant> ReadRenewal(const VaultAnswer& answer) {
  WipingMemory memory;
  const auto root = ParseWipedObject(answer.body.Reveal(), memory);
  const std::optional<std::int64_t> ttl = root ? NumberIn(*root, "lease_duration") : std::nullopt;
  if (!ttl) {
    return Nonsense("a lease's renewal without lease_duration");
  }
  VaultLeaseGrant out;
  out.ttl = std::chrono::seconds(*ttl);
  out.renewable = FlagIn(*root, "renewable");
  return out;
}

Result<Secret> ReadUnwrappedSecretId(const VaultAnswer& answer) {
  WipingMemory memory;
  const auto root = ParseWipedObject(answer.body.Reveal(), memory);
  const json::object* data = root ? ObjectIn(*root, "data") : nullptr;
  const std::string_view secret_id =
      data == nullptr ? std::string_view() : TextIn(*data, "secret_id");
  if (secret_id.empty()) {
    return Invalid("what the wrapping token wraps is no secret_id");
  }
  return Secret(secret_id);
}

Result<std::string> ReadWrappingOrigin(const VaultAnswer& answer) {
  WipingMemory memory;
  const auto root = ParseWipedObject(answer.body.Reveal(), memory);
  const json::object* data = root ? ObjectIn(*root, "data") : nullptr;
  if (data == nullptr) {
    return Nonsense("a wrapping token's lookup without data");
  }
  return std::string(TextIn(*data, "creation_path"));
}

Result<VaultReading> ReadReading(const resource::VaultLocation& location,
                                 const VaultAnswer& answer) {
  WipingMemory memory;
  const auto root = ParseWipedObject(answer.body.Reveal(), memory);
  if (!root) {
    return Nonsense("the answer for " + location.path + " is not a JSON object");
  }
  if (IsWrapped(*root)) {
    return Invalid("Vault answers for " + location.path +
                   " with a wrapped response, which is not accepted; let the policy of the "
                   "broker's login demand no wrapping there");
  }
  const json::object* data = ObjectIn(*root, "data");
  if (data == nullptr) {
    return Nonsense("the answer for " + location.path + " has no data");
  }
  VaultReading out;
  const json::object* fields = data;
  if (const json::object* metadata = Kv2Metadata(*data)) {
    out.kv = VaultKvState{static_cast<std::uint32_t>(*NumberIn(*metadata, "version")),
                          MarkOf(*metadata)};
    fields = ObjectIn(*data, "data");
  }
  const std::string_view lease_id = TextIn(*root, "lease_id");
  if (!lease_id.empty()) {
    out.lease = VaultLeaseGrant{Secret(lease_id),
                                std::chrono::seconds(NumberIn(*root, "lease_duration").value_or(0)),
                                FlagIn(*root, "renewable")};
  }
  if (fields != nullptr) {
    const Result<Done> taken = TakeFields(location, *fields, out);
    if (!taken) {
      return taken.error();
    }
  }
  return out;
}

Result<VaultKvState> ReadKvState(const resource::VaultLocation& location,
                                 const VaultAnswer& answer) {
  WipingMemory memory;
  const auto root = ParseWipedObject(answer.body.Reveal(), memory);
  const json::object* data = root ? ObjectIn(*root, "data") : nullptr;
  const json::object* versions = data == nullptr ? nullptr : ObjectIn(*data, "versions");
  const std::optional<std::int64_t> current =
      data == nullptr ? std::nullopt : NumberIn(*data, "current_version");
  if (versions == nullptr || !current) {
    return Nonsense("the metadata of " + location.path + " have no versions");
  }
  VaultKvState out;
  out.version = location.version != 0 ? location.version : static_cast<std::uint32_t>(*current);
  if (const json::object* version = ObjectIn(*versions, std::to_string(out.version))) {
    out.mark = MarkOf(*version);
  }
  return out;
}

std::string MissingKeys(const resource::VaultLocation& location,
                        const std::map<std::string, Secret>& data) {
  std::string missing;
  const auto need = [&](const std::string& name, const std::string& key, const char* field) {
    const auto found = data.find(name);
    if (found == data.end() || found->second.empty()) {
      missing.append(missing.empty() ? "" : " and ")
          .append(found == data.end() ? "lacks the key " : "has an empty key ")
          .append(key)
          .append(" (")
          .append(field)
          .append(")");
    }
  };
  if (!location.docker_config_key.empty()) {
    need(kDockerConfigKey, location.docker_config_key, "dockerConfigKey");
  } else {
    need("username", location.username_key, "usernameKey");
    need("password", location.password_key, "passwordKey");
  }
  return missing;
}

}  // namespace connector::broker::secrets
