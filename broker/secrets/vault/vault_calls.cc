#include "broker/secrets/vault/vault_calls.h"

#include "common/curl/wiped_buffer.h"

#include <initializer_list>
#include <utility>

namespace connector::broker::secrets {
namespace {

// A JSON string, put together in memory that is wiped.
void AppendJson(curl::WipedBuffer& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out.Append("\"");
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      const char escaped[] = {'\\', c};
      out.Append({escaped, sizeof escaped});
    } else if (byte < 0x20) {
      const char escaped[] = {'\\', 'u', '0', '0', kHex[byte >> 4U], kHex[byte & 15U]};
      out.Append({escaped, sizeof escaped});
    } else {
      out.Append({&c, 1});
    }
  }
  out.Append("\"");
}

Secret JsonObject(std::initializer_list<std::pair<std::string_view, std::string_view>> members) {
  curl::WipedBuffer out;
  out.Append("{");
  for (const auto& [name, value] : members) {
    out.Append(out.size() == 1 ? "" : ",");
    AppendJson(out, name);
    out.Append(":");
    AppendJson(out, value);
  }
  out.Append("}");
  return Secret(out.view());
}

VaultCall Post(VaultOperation operation,
               std::string path,
               Secret body,
               std::string_view sensitive = {}) {
  VaultCall call;
  call.operation = operation;
  call.method = "POST";
  call.path = std::move(path);
  call.body = std::move(body);
  call.sensitive = Secret(sensitive);
  return call;
}

std::string Seconds(std::chrono::seconds time) {
  return std::to_string(time.count()) + "s";
}

}  // namespace

VaultCall VaultCall::Clone() const {
  return {operation, method, path, query, vault_namespace, body.Clone(), sensitive.Clone()};
}

VaultCall KubernetesLoginCall(const KubernetesLogin& login, std::string_view jwt) {
  return Post(VaultOperation::kLogin,
              "auth/" + login.mount + "/login",
              JsonObject({{"role", login.role}, {"jwt", jwt}}),
              jwt);
}

VaultCall AppRoleLoginCall(const AppRoleLogin& login, std::string_view secret_id) {
  return Post(VaultOperation::kLogin,
              "auth/" + login.mount + "/login",
              JsonObject({{"role_id", login.role_id}, {"secret_id", secret_id}}),
              secret_id);
}

VaultCall CertLoginCall(const CertLogin& login) {
  return Post(VaultOperation::kLogin,
              "auth/" + login.mount + "/login",
              login.role.empty() ? JsonObject({}) : JsonObject({{"name", login.role}}));
}

VaultCall LookupWrappingCall(std::string_view wrapping_token) {
  return Post(VaultOperation::kUnwrap,
              "sys/wrapping/lookup",
              JsonObject({{"token", wrapping_token}}),
              wrapping_token);
}

VaultCall UnwrapCall() {
  return Post(VaultOperation::kUnwrap, "sys/wrapping/unwrap", JsonObject({}));
}

VaultCall LookupSelfCall() {
  VaultCall call;
  call.operation = VaultOperation::kLookupSelf;
  call.path = "auth/token/lookup-self";
  return call;
}

VaultCall RenewSelfCall(std::chrono::seconds increment) {
  return Post(VaultOperation::kRenewSelf,
              "auth/token/renew-self",
              JsonObject({{"increment", Seconds(increment)}}));
}

VaultCall RevokeSelfCall() {
  return Post(VaultOperation::kRevokeSelf, "auth/token/revoke-self", JsonObject({}));
}

VaultCall ReadCall(const resource::VaultLocation& location) {
  VaultCall call;
  call.path = location.path;
  call.vault_namespace = location.vault_namespace;
  if (location.version != 0) {
    call.query = "version=" + std::to_string(location.version);
  }
  return call;
}

std::optional<VaultCall> MetadataCall(const resource::VaultLocation& location) {
  constexpr std::string_view kData = "/data/";
  const std::size_t at = location.path.find(kData);
  if (at == std::string::npos) {
    return std::nullopt;
  }
  VaultCall call;
  call.operation = VaultOperation::kReadMetadata;
  call.path = location.path.substr(0, at) + "/metadata/" + location.path.substr(at + kData.size());
  call.vault_namespace = location.vault_namespace;
  return call;
}

VaultCall RenewLeaseCall(const resource::VaultLocation& location,
                         std::string_view lease_id,
                         std::chrono::seconds increment) {
  VaultCall call = Post(VaultOperation::kRenewLease,
                        "sys/leases/renew",
                        JsonObject({{"lease_id", lease_id}, {"increment", Seconds(increment)}}),
                        lease_id);
  call.vault_namespace = location.vault_namespace;
  return call;
}

VaultCall RevokeLeaseCall(const resource::VaultLocation& location, std::string_view lease_id) {
  VaultCall call = Post(VaultOperation::kRevokeLease,
                        "sys/leases/revoke",
                        JsonObject({{"lease_id", lease_id}}),
                        lease_id);
  call.vault_namespace = location.vault_namespace;
  return call;
}

}  // namespace connector::broker::secrets
