#include "common/resource/validation.h"

#include "common/base/encoding.h"
#include "common/base/secret_place.h"
#include "common/config/yaml_scalar.h"
#include "common/resource/names.h"
#include "common/routing/host_pattern.h"
#include "common/routing/read_upstream_policy.h"

#include "proto/connector/config/v1/resource.pb.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

namespace connector::resource {
namespace {

using config::Join;
namespace v1 = config::v1;

constexpr const char* kNameHelp = "write lower-case letters, digits and '-', such as harbor";

std::string ReadNamespace(const v1::ResourceMetadata& metadata, ProblemReport& report) {
  if (metadata.namespace_().empty()) {
    return kDefaultNamespace;
  }
  if (!IsDnsLabel(metadata.namespace_())) {
    report.Add("metadata.namespace", std::string("is not a namespace name; ") + kNameHelp);
  }
  return metadata.namespace_();
}

void CheckConnectorName(const std::string& name, ProblemReport& report) {
  if (!IsDnsLabel(name)) {
    report.Add("metadata.name", std::string("is not a DNS label; ") + kNameHelp);
  } else if (name.size() > kMaxConnectorNameBytes) {
    report.Add("metadata.name",
               "is too long for its host name c-NAME, which is one DNS label; write at most 61 "
               "characters");
  }
}

http::Origin ReadAddress(const v1::ConnectorSpec& spec, bool insecure, ProblemReport& report) {
  const std::string path = "spec.address";
  Result<http::Url> url = http::ParseUrl(spec.address());
  if (!url) {
    const bool lacks_scheme = spec.address().find("://") == std::string::npos;
    report.Add(path,
               lacks_scheme
                   ? "has no scheme; write https://HOST[:PORT]"
                   : "is not an address: " + url.error().message + "; write https://HOST[:PORT]");
    return {};
  }
  const std::string origin = url->origin.ToString();
  if (!http::ParseOrigin(spec.address())) {
    report.Add(path,
               "has a path or a query; write " + origin +
                   " (a repository's prefix belongs into the image's name)");
  }
  if (!url->origin.tls && !insecure) {
    report.Add(path,
               "is plain http; write https, or set spec.upstream.allowInsecureUpstream: true if "
               "credentials may travel unprotected");
  }
  if (routing::IsDockerHubWebSite(url->origin.host)) {
    report.Add(path, "is not where Docker Hub serves images; write https://registry-1.docker.io");
  }
  return std::move(url->origin);
}

std::optional<http::Url> ReadRealm(const v1::ConnectorUpstream& upstream, ProblemReport& report) {
  if (upstream.token_realm().empty()) {
    return std::nullopt;
  }
  const std::string path = "spec.upstream.tokenRealm";
  Result<http::Url> url = http::ParseUrl(upstream.token_realm());
  if (!url) {
    report.Add(
        path,
        "is not a URL: " + url.error().message + "; write for example https://HOST/service/token");
    return std::nullopt;
  }
  if (!url->origin.tls && !upstream.allow_insecure_upstream()) {
    report.Add(path,
               "is plain http, and receives the stored password; write https, or set "
               "spec.upstream.allowInsecureUpstream: true");
  }
  return *std::move(url);
}

// As files write it: "tokenAuth" of AUTH_NAME_TOKEN_AUTH.
std::string TextOf(v1::AuthName name) {
  return config::CamelCase(v1::AuthName_Name(name).substr(std::strlen("AUTH_NAME_")));
}

// "a, b and c"
std::string Listed(const std::vector<std::string>& names, std::string_view last) {
  std::string out;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const bool is_last = i + 1 == names.size();
    out.append(i == 0 ? "" : is_last ? " " + std::string(last) + " " : ", ").append(names[i]);
  }
  return out;
}

std::string NotSupported() {
  std::vector<std::string> supported;
  for (const AuthKindRow& row : kAuthKinds) {
    supported.emplace_back(row.name);
  }
  std::vector<std::string> reserved;
  const auto* names = v1::AuthName_descriptor();
  for (int i = 1; i < names->value_count(); ++i) {
    const std::string text = TextOf(static_cast<v1::AuthName>(names->value(i)->number()));
    if (FindAuthKind(text) == nullptr) {
      reserved.push_back(text);
    }
  }
  return "is not supported by this release (" + Listed(reserved, "and") +
         (reserved.size() == 1 ? " is" : " are") + " not yet); write " + Listed(supported, "or");
}

std::optional<AuthKind> ReadAuthKind(v1::AuthName name,
                                     const std::string& path,
                                     ProblemReport& report) {
  const AuthKindRow* row = FindAuthKind(TextOf(name));
  if (row == nullptr) {
    report.Add(path, NotSupported());
    return std::nullopt;
  }
  return row->kind;
}

std::string NotAParameter(AuthKind kind) {
  std::vector<std::string> names;
  for (const std::span<const AuthParameter> some :
       {std::span<const AuthParameter>(kCommonParameters), RowOf(kind).parameters}) {
    for (const AuthParameter& each : some) {
      names.emplace_back(each.name);
    }
  }
  return "is not a known parameter; write " + Listed(names, "or");
}

std::map<std::string, std::string> ReadParams(const v1::ConnectorAuth& file,
                                              AuthKind kind,
                                              ProblemReport& report) {
  std::map<std::string, std::string> out;
  for (int i = 0; i < file.params_size(); ++i) {
    const v1::ConnectorParam& param = file.params(i);
    const std::string path = Join("spec.auth.params", static_cast<std::size_t>(i));
    const AuthParameter* known = FindParameter(kind, param.name());
    if (known == nullptr) {
      report.Add(Join(path, "name"), NotAParameter(kind));
    } else if (!known->accepts(param.value())) {
      report.Add(Join(path, "value"), std::string(known->otherwise));
    } else if (!out.emplace(param.name(), param.value()).second) {
      report.Add(Join(path, "name"), "is given twice; keep one of them");
    }
  }
  return out;
}

void CheckSecretUse(const v1::ConnectorAuth& file, AuthKind kind, ProblemReport& report) {
  if (file.has_vault_ref() && file.has_secret_ref()) {
    report.Add("spec.auth.vaultRef", "excludes secretRef; keep one of them");
    return;
  }
  if (!RowOf(kind).reads_secret) {
    if (file.has_secret_ref() || file.has_vault_ref()) {
      report.Add(file.has_vault_ref() ? "spec.auth.vaultRef" : "spec.auth.secretRef",
                 "is never read with " + std::string(ToString(kind)) +
                     "; remove it, or write name: tokenAuth");
    }
    return;
  }
  if (!file.has_secret_ref() && !file.has_vault_ref()) {
    report.Add("spec.auth.secretRef",
               "is missing; add secretRef: {name: SECRET} or vaultRef: {path: PATH}, or write "
               "name: anonymous for a registry that asks for no credential");
  }
}

VaultLocation ReadVaultRef(const v1::VaultReference& file, ProblemReport& report) {
  const std::string path = "spec.auth.vaultRef";
  VaultLocation out;
  out.path = file.path();
  // An empty path is reported as missing already.
  if (const std::string problem = VaultPathProblem(out.path);
      !out.path.empty() && !problem.empty()) {
    report.Add(Join(path, "path"),
               problem + "; write the path of Vault's API, such as secret/data/ci/harbor");
  }
  out.vault_namespace = file.namespace_();
  if (const std::string problem = VaultNamespaceProblem(out.vault_namespace); !problem.empty()) {
    report.Add(Join(path, "namespace"), problem + "; write one such as admin/team-a");
  }
  out.docker_config_key = file.docker_config_key();
  if (!out.docker_config_key.empty() &&
      !(file.username_key().empty() && file.password_key().empty())) {
    report.Add(Join(path, "dockerConfigKey"),
               "excludes usernameKey and passwordKey; keep the one or the other");
  }
  if (!file.username_key().empty()) {
    out.username_key = file.username_key();
  }
  if (!file.password_key().empty()) {
    out.password_key = file.password_key();
  }
  out.version = file.version();
  return out;
}

Auth ReadAuth(const v1::ConnectorSpec& spec, ProblemReport& report) {
  if (!spec.has_auth()) {
    report.Add("spec.auth",
               "is missing; write {name: tokenAuth, secretRef: {name: SECRET}}, or "
               "{name: anonymous} for a registry that asks for no credential");
    return {};
  }
  const v1::ConnectorAuth& file = spec.auth();
  Auth auth;
  if (file.name() != v1::AUTH_NAME_UNSPECIFIED) {
    if (const auto kind = ReadAuthKind(file.name(), "spec.auth.name", report)) {
      auth.kind = *kind;
      CheckSecretUse(file, auth.kind, report);
    }
  }
  if (file.has_secret_ref()) {
    auth.secret_name = file.secret_ref().name();
    if (!IsDnsSubdomain(*auth.secret_name)) {
      report.Add("spec.auth.secretRef.name", std::string("is not a Secret's name; ") + kNameHelp);
    }
    const auto take_key = [&](const char* name, const std::string& given, std::string& key) {
      if (!given.empty()) {
        key = given;
      }
      if (!IsSecretKey(key)) {
        report.Add(Join("spec.auth.secretRef", name),
                   "is not a key of a Secret; write letters, digits, '-', '_' and '.'");
      }
    };
    take_key("usernameKey", file.secret_ref().username_key(), auth.username_key);
    take_key("passwordKey", file.secret_ref().password_key(), auth.password_key);
    if (auth.username_key == auth.password_key) {
      report.Add("spec.auth.secretRef.passwordKey",
                 "is the same as usernameKey; name the key that holds the password");
    }
  }
  if (file.has_vault_ref()) {
    auth.vault = ReadVaultRef(file.vault_ref(), report);
  }
  auth.allow_static = file.allow_static();
  if (ClassOf(auth.kind) == SecretClass::kStatic && !auth.allow_static) {
    report.Add("spec.auth.allowStatic",
               std::string(ToString(auth.kind)) +
                   " is of the class static: the password itself must reach the memory of every "
                   "data plane; use tokenAuth, or accept it by writing allowStatic: true");
  }
  auth.params = ReadParams(file, auth.kind, report);
  return auth;
}

routing::WrittenSettings ReadSettings(const v1::ConnectorRedirects& redirects,
                                      const v1::ConnectorLimits& limits,
                                      ProblemReport& report) {
  return routing::ReadSettings(
      redirects, limits, [&report](const std::string& path, const char* message) {
        report.Add(Join("spec.upstream", path), message);
      });
}

// A CA bundle is public, and large.
connector::Secret ValueOf(const std::string& key, std::string_view bytes) {
  return key == kCaKey ? ForeignSecret(bytes) : connector::Secret(bytes);
}

void ReadData(v1::Secret& file, SecretResource& secret, ProblemReport& report) {
  for (auto& [key, text] : *file.mutable_data()) {
    // Kubernetes, too, lets base64 be folded over lines.
    text.erase(
        std::remove_if(text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r'; }),
        text.end());
    std::optional<std::string> bytes = Base64Decode(text);
    if (!bytes) {
      report.Add(Join("data", key), "is not base64; encode it, or write it under stringData");
      continue;
    }
    secret.data.insert_or_assign(key, ValueOf(key, *bytes));
    OPENSSL_cleanse(bytes->data(), bytes->size());
    OPENSSL_cleanse(text.data(), text.size());
  }
  for (auto& [key, text] : *file.mutable_string_data()) {
    secret.data.insert_or_assign(key, ValueOf(key, text));
    OPENSSL_cleanse(text.data(), text.size());
  }
}

}  // namespace

ConnectorDraft ValidateConnector(const v1::Connector& file, ProblemReport& report) {
  const v1::ConnectorSpec& spec = file.spec();
  ConnectorDraft draft;
  Connector& connector = draft.connector;
  connector.ref = {ReadNamespace(file.metadata(), report), file.metadata().name()};
  CheckConnectorName(connector.ref.name, report);
  connector.class_name =
      spec.connector_class_name().empty() ? kDefaultClass : spec.connector_class_name();
  connector.upstream.allow_insecure = spec.upstream().allow_insecure_upstream();
  connector.address = ReadAddress(spec, connector.upstream.allow_insecure, report);
  connector.auth = ReadAuth(spec, report);
  if (spec.has_ca_cert_secret_ref()) {
    connector.ca_secret_name = spec.ca_cert_secret_ref().name();
    if (!IsDnsSubdomain(*connector.ca_secret_name)) {
      report.Add("spec.caCertSecretRef.name", std::string("is not a Secret's name; ") + kNameHelp);
    }
  }
  connector.upstream.token_realm = ReadRealm(spec.upstream(), report);
  draft.written = ReadSettings(spec.upstream().redirects(), spec.upstream().limits(), report);
  connector.require_connector_audience = spec.require_connector_audience();
  for (int i = 0; i < spec.access_size(); ++i) {
    connector.access.push_back(ValidateAccessRule(
        spec.access(i), Join("spec.access", static_cast<std::size_t>(i)), report));
  }
  return draft;
}

ConnectorClass ValidateClass(const v1::ConnectorClass& file, ProblemReport& report) {
  ConnectorClass out;
  out.name = file.metadata().name();
  if (!IsDnsSubdomain(out.name)) {
    report.Add("metadata.name", std::string("is not a name; ") + kNameHelp);
  }
  if (!file.metadata().namespace_().empty()) {
    report.Add("metadata.namespace", "a ConnectorClass has no namespace; remove the key");
  }
  for (int i = 0; i < file.spec().allowed_auth_names_size(); ++i) {
    if (const auto kind = ReadAuthKind(file.spec().allowed_auth_names(i),
                                       Join("spec.allowedAuthNames", static_cast<std::size_t>(i)),
                                       report)) {
      out.allowed_auth.push_back(*kind);
    }
  }
  out.upstream =
      ReadSettings(file.spec().upstream().redirects(), file.spec().upstream().limits(), report);
  out.configurations = ValidateConfigurations(file.spec(), report);
  out.require_connector_audience = file.spec().require_connector_audience();
  if (file.spec().has_upstream_policy()) {
    out.policy.value = std::make_shared<const routing::ClassPolicy>(routing::ReadClassPolicy(
        file.spec().upstream_policy(), [&report](const std::string& path, const char* message) {
          report.Add(Join("spec.upstreamPolicy", path), message);
        }));
  }
  return out;
}

SecretResource ValidateSecret(v1::Secret& file, ProblemReport& report) {
  SecretResource out;
  out.name = {ReadNamespace(file.metadata(), report), file.metadata().name()};
  if (!IsDnsSubdomain(out.name.name)) {
    report.Add("metadata.name", std::string("is not a Secret's name; ") + kNameHelp);
  }
  out.type = file.type().empty() ? "Opaque" : file.type();
  ReadData(file, out, report);
  if (const auto ca = out.data.find(kCaKey); ca != out.data.end()) {
    out.ca = ReadConnectorCaBundle(ca->second.Reveal());
  }
  return out;
}

Connector ApplyClass(ConnectorDraft draft, const ConnectorClass& connector_class) {
  routing::RouteSettings settings = routing::Resolve(draft.written, connector_class.upstream);
  draft.connector.upstream.redirects = std::move(settings.redirects);
  draft.connector.upstream.limits = settings.limits;
  NarrowByClass(draft.connector, connector_class);
  return std::move(draft.connector);
}

void NarrowByClass(Connector& connector, const ConnectorClass& connector_class) {
  connector.require_connector_audience |= connector_class.require_connector_audience;
  connector.class_policy = connector_class.policy;
}

}  // namespace connector::resource
