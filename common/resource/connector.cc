#include "common/resource/connector.h"

#include "common/routing/host_pattern.h"
#include "common/routing/upstream_policy_proto.h"

namespace connector::resource {
namespace {

// Every value goes with its length, so that no two connectors give one text.
class Canonical {
 public:
  void Add(std::string_view key, std::string_view value) {
    text_.append(key).append("=").append(std::to_string(value.size())).append(":");
    text_.append(value).append("\n");
  }
  void Add(std::string_view key, bool value) { Add(key, std::string_view(value ? "1" : "0")); }
  void Add(std::string_view key, std::int64_t value) {
    Add(key, std::string_view(std::to_string(value)));
  }
  void Add(std::string_view key, const std::optional<std::string>& value) {
    Add(key, value.has_value());
    if (value) {
      Add(key, std::string_view(*value));
    }
  }
  void Add(std::string_view key, const std::vector<std::string>& values) {
    Add(key, static_cast<std::int64_t>(values.size()));
    for (const std::string& value : values) {
      Add(key, std::string_view(value));
    }
  }
  void Add(std::string_view key, const std::map<std::string, std::string>& values) {
    Add(key, static_cast<std::int64_t>(values.size()));
    for (const auto& [name, value] : values) {
      Add(key, std::string_view(name));
      Add(key, std::string_view(value));
    }
  }

  [[nodiscard]] std::string Take() && { return std::move(text_); }

 private:
  std::string text_;
};

struct AddSubject {
  Canonical& out;

  void operator()(const ServiceAccountMatch& match) const {
    out.Add("serviceAccount.namespace", std::string_view(match.ns));
    out.Add("serviceAccount.name", std::string_view(match.name));
    AddIssuer(match.issuer);
  }
  void operator()(const NamespaceMatch& match) const {
    out.Add("namespace", std::string_view(match.ns));
    AddIssuer(match.issuer);
  }
  void operator()(const OidcMatch& match) const {
    out.Add("oidc.issuer", std::string_view(match.issuer));
    out.Add("oidc.claims", match.claims);
  }
  // Brokers of both versions agree on the epochs of rules without an issuer.
  void AddIssuer(const std::string& issuer) const {
    if (!issuer.empty()) {
      out.Add("cluster.issuer", std::string_view(issuer));
    }
  }
};

}  // namespace

bool Connector::IsDockerHub() const {
  return routing::IsDockerHubHost(address.host);
}

std::vector<std::string> Connector::MirrorHosts() const {
  std::vector<std::string> out;
  const auto add = [&](const http::Origin& origin) {
    const std::string authority = origin.Authority();
    out.push_back(authority);
    const std::string port = ":" + std::to_string(origin.port);
    if (!authority.ends_with(port) || (origin.HostIsIpv6() && authority.ends_with(']'))) {
      out.push_back(authority + port);
    }
  };
  add(address);
  if (IsDockerHub()) {
    for (const std::string_view host : routing::kDockerHubHosts) {
      if (host != address.host) {
        add({address.tls, std::string(host), address.port});
      }
    }
  }
  return out;
}

CredentialWanted WantedBy(const Connector& connector) {
  return {connector.address.Authority(), connector.auth.username_key, connector.auth.password_key};
}

std::string CanonicalMintText(const Connector& connector) {
  Canonical out;
  out.Add("namespace", std::string_view(connector.ref.ns));
  out.Add("name", std::string_view(connector.ref.name));
  out.Add("address", std::string_view(connector.address.ToString()));
  out.Add("auth.name", ToString(connector.auth.kind));
  out.Add("auth.secret", connector.auth.secret_name);
  if (const std::optional<VaultLocation>& vault = connector.auth.vault) {
    out.Add("auth.vault.namespace", std::string_view(vault->vault_namespace));
    out.Add("auth.vault.path", std::string_view(vault->path));
    out.Add("auth.vault.usernameKey", std::string_view(vault->username_key));
    out.Add("auth.vault.passwordKey", std::string_view(vault->password_key));
    out.Add("auth.vault.dockerConfigKey", std::string_view(vault->docker_config_key));
    out.Add("auth.vault.version", std::int64_t{vault->version});
  }
  // Brokers of both versions agree on the epochs of those with the usual keys.
  if (connector.auth.username_key != Auth{}.username_key ||
      connector.auth.password_key != Auth{}.password_key) {
    out.Add("auth.usernameKey", std::string_view(connector.auth.username_key));
    out.Add("auth.passwordKey", std::string_view(connector.auth.password_key));
  }
  out.Add("auth.allowStatic", connector.auth.allow_static);
  out.Add("auth.params", connector.auth.params);
  out.Add("caSecret", connector.ca_secret_name);
  const std::optional<http::Url>& realm = connector.upstream.token_realm;
  out.Add("tokenRealm", realm ? std::optional(realm->ToString()) : std::nullopt);
  out.Add("allowInsecure", connector.upstream.allow_insecure);
  if (const auto& policy = connector.class_policy.value) {
    const routing::ClassPolicy own = routing::PolicyFor(*policy, connector.ref.ns);
    out.Add("classPolicy", std::string_view(routing::CanonicalText(own)));
  }
  return std::move(out).Take();
}

std::string CanonicalText(const Connector& connector) {
  Canonical out;
  out.Add("mint", std::string_view(CanonicalMintText(connector)));
  out.Add("class", std::string_view(connector.class_name));
  out.Add("route",
          std::string_view(
              routing::CanonicalText({connector.upstream.redirects, connector.upstream.limits})));
  out.Add("access", static_cast<std::int64_t>(connector.access.size()));
  for (const AccessRule& rule : connector.access) {
    out.Add("from", static_cast<std::int64_t>(rule.from.size()));
    for (const SubjectMatch& subject : rule.from) {
      std::visit(AddSubject{out}, subject);
    }
    out.Add("repositories", rule.repositories);
    out.Add("actions", std::int64_t{rule.actions.bits()});
  }
  if (connector.require_connector_audience) {
    out.Add("requireConnectorAudience", true);
  }
  return std::move(out).Take();
}

}  // namespace connector::resource
