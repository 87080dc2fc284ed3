#include "common/resource/validate.h"

#include "common/base/encoding.h"
#include "common/oci/reference.h"
#include "common/resource/names.h"

#include "proto/connector/config/v1/resource.pb.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <set>
#include <utility>

namespace connector::resource {
namespace {

using config::Join;
namespace v1 = config::v1;

constexpr const char* kNameHelp = "write lower-case letters, digits and '-', such as harbor";

std::string ReadNamespace(const v1::ResourceMetadata& metadata, Report& report) {
  if (metadata.namespace_().empty()) {
    return kDefaultNamespace;
  }
  if (!IsDnsLabel(metadata.namespace_())) {
    report.Add("metadata.namespace", std::string("is not a namespace name; ") + kNameHelp);
  }
  return metadata.namespace_();
}

void CheckConnectorName(const std::string& name, Report& report) {
  if (!IsDnsLabel(name)) {
    report.Add("metadata.name", std::string("is not a DNS label; ") + kNameHelp);
  } else if (name.size() > kMaxConnectorNameBytes) {
    report.Add("metadata.name",
               "is too long for its host name c-NAME, which is one DNS label; write at most 61 "
               "characters");
  }
}

http::Origin ReadAddress(const v1::ConnectorSpec& spec, bool insecure, Report& report) {
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
  if (url->origin.host == "docker.io") {
    report.Add(path, "is not where Docker Hub serves images; write https://registry-1.docker.io");
  }
  return std::move(url->origin);
}

std::optional<http::Url> ReadRealm(const v1::ConnectorUpstream& upstream, Report& report) {
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

AuthKind ReadAuthKind(v1::AuthName name, const std::string& path, Report& report) {
  switch (name) {
    case v1::AUTH_NAME_TOKEN_AUTH:
      return AuthKind::kTokenAuth;
    case v1::AUTH_NAME_BASIC_AUTH:
      return AuthKind::kBasicAuth;
    case v1::AUTH_NAME_ANONYMOUS:
      return AuthKind::kAnonymous;
    default:
      report.Add(path,
                 "is not supported by this release (ecr, gar and acr are not yet); write "
                 "tokenAuth, basicAuth or anonymous");
      return AuthKind::kAnonymous;
  }
}

std::map<std::string, std::string> ReadParams(const v1::ConnectorAuth& file, Report& report) {
  std::map<std::string, std::string> out;
  for (int i = 0; i < file.params_size(); ++i) {
    const v1::ConnectorParam& param = file.params(i);
    const std::string path = Join("spec.auth.params", static_cast<std::size_t>(i));
    if (param.name() != "repository") {
      report.Add(Join(path, "name"), "is not a known parameter; write repository");
    } else if (!oci::IsRepository(param.value())) {
      report.Add(Join(path, "value"),
                 "is not a repository name; write it without host and tag, such as library/ubuntu");
    } else if (!out.emplace(param.name(), param.value()).second) {
      report.Add(Join(path, "name"), "is given twice; keep one of them");
    }
  }
  return out;
}

void CheckSecretUse(const v1::ConnectorAuth& file, AuthKind kind, Report& report) {
  if (file.has_vault_ref() && file.has_secret_ref()) {
    report.Add("spec.auth.vaultRef", "excludes secretRef; keep one of them");
    return;
  }
  if (kind == AuthKind::kAnonymous) {
    if (file.has_secret_ref() || file.has_vault_ref()) {
      report.Add(file.has_vault_ref() ? "spec.auth.vaultRef" : "spec.auth.secretRef",
                 "is never read with anonymous; remove it, or write name: tokenAuth");
    }
    return;
  }
  if (!file.has_secret_ref() && !file.has_vault_ref()) {
    report.Add("spec.auth.secretRef",
               "is missing; add secretRef: {name: SECRET} or vaultRef: {path: PATH}, or write "
               "name: anonymous for a registry that asks for no credential");
  }
}

VaultLocation ReadVaultRef(const v1::VaultReference& file, Report& report) {
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

Auth ReadAuth(const v1::ConnectorSpec& spec, Report& report) {
  if (!spec.has_auth()) {
    report.Add("spec.auth",
               "is missing; write {name: tokenAuth, secretRef: {name: SECRET}}, or "
               "{name: anonymous} for a registry that asks for no credential");
    return {};
  }
  const v1::ConnectorAuth& file = spec.auth();
  Auth auth;
  if (file.name() != v1::AUTH_NAME_UNSPECIFIED) {
    const bool supported = file.name() <= v1::AUTH_NAME_ANONYMOUS;
    auth.kind = ReadAuthKind(file.name(), "spec.auth.name", report);
    if (supported) {
      CheckSecretUse(file, auth.kind, report);
    }
  }
  if (file.has_secret_ref()) {
    auth.secret_name = file.secret_ref().name();
    if (!IsDnsSubdomain(*auth.secret_name)) {
      report.Add("spec.auth.secretRef.name", std::string("is not a Secret's name; ") + kNameHelp);
    }
  }
  if (file.has_vault_ref()) {
    auth.vault = ReadVaultRef(file.vault_ref(), report);
  }
  auth.allow_static = file.allow_static();
  if (auth.kind == AuthKind::kBasicAuth && !auth.allow_static) {
    report.Add("spec.auth.allowStatic",
               "basicAuth is of the class static: the password itself must reach the memory of "
               "every data plane; use tokenAuth, or accept it by writing allowStatic: true");
  }
  auth.params = ReadParams(file, report);
  return auth;
}

// Canonical host, or empty: a DNS name, "*.suffix" or an IP address.
std::string ReadRedirectHost(const std::string& text) {
  std::string_view host = text;
  std::string prefix;
  if (host.starts_with("*.")) {
    prefix = "*.";
    host.remove_prefix(2);
  }
  const bool bare_ipv6 = prefix.empty() && host.find(':') != std::string_view::npos &&
                         !host.starts_with('[') && host.find(':') != host.rfind(':');
  const std::string authority = bare_ipv6 ? "[" + std::string(host) + "]" : std::string(host);
  // Only a host: what ParseOrigin would take for a port or a path does not belong here.
  const bool has_port = !authority.starts_with('[') ? authority.find(':') != std::string::npos
                                                    : !authority.ends_with(']');
  const Result<http::Origin> origin = http::ParseOrigin("https://" + authority);
  const bool named = !authority.empty() && authority.find_first_of("/?") == std::string::npos;
  if (!origin || has_port || !named || (!prefix.empty() && origin->HostIsIpv6())) {
    return {};
  }
  return prefix + origin->host;
}

std::optional<std::chrono::milliseconds> ReadTimeout(const google::protobuf::Duration& file,
                                                     const std::string& path,
                                                     Report& report) {
  const std::chrono::milliseconds value(file.seconds() * 1000 + file.nanos() / 1'000'000);
  if (value <= std::chrono::milliseconds::zero()) {
    report.Add(path, "is zero; write at least 1ms, or remove the key for the default");
  } else if (value > std::chrono::hours(24)) {
    report.Add(path, "is longer than a day; write at most 24h");
  }
  return value;
}

UpstreamDefaults ReadDefaults(const v1::ConnectorRedirects& redirects,
                              const v1::ConnectorLimits& limits,
                              Report& report) {
  UpstreamDefaults out;
  if (redirects.mode() != v1::REDIRECT_MODE_UNSPECIFIED) {
    out.mode =
        redirects.mode() == v1::REDIRECT_MODE_PASS ? RedirectMode::kPass : RedirectMode::kFollow;
  }
  for (int i = 0; i < redirects.hosts_size(); ++i) {
    out.hosts.push_back(ReadRedirectHost(redirects.hosts(i)));
    if (out.hosts.back().empty()) {
      report.Add(Join("spec.upstream.redirects.hosts", static_cast<std::size_t>(i)),
                 "is not a host; write a DNS name, *.SUFFIX or an IP address, without scheme, "
                 "port and path");
    }
  }
  if (limits.has_max_concurrent_requests()) {
    out.max_concurrent_requests = limits.max_concurrent_requests();
    if (limits.max_concurrent_requests() == 0) {
      report.Add("spec.upstream.limits.maxConcurrentRequests",
                 "is zero, so that nothing could pass; write at least 1");
    }
  }
  if (limits.has_connect_timeout()) {
    out.connect_timeout =
        ReadTimeout(limits.connect_timeout(), "spec.upstream.limits.connectTimeout", report);
  }
  if (limits.has_idle_timeout()) {
    out.idle_timeout =
        ReadTimeout(limits.idle_timeout(), "spec.upstream.limits.idleTimeout", report);
  }
  return out;
}

void ReadData(v1::Secret& file, SecretResource& secret, Report& report) {
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
    secret.data.insert_or_assign(key, connector::Secret(*bytes));
    OPENSSL_cleanse(bytes->data(), bytes->size());
    OPENSSL_cleanse(text.data(), text.size());
  }
  for (auto& [key, text] : *file.mutable_string_data()) {
    secret.data.insert_or_assign(key, connector::Secret(text));
    OPENSSL_cleanse(text.data(), text.size());
  }
}

}  // namespace

ConnectorDraft ValidateConnector(const v1::Connector& file, Report& report) {
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
  draft.written = ReadDefaults(spec.upstream().redirects(), spec.upstream().limits(), report);
  for (int i = 0; i < spec.access_size(); ++i) {
    connector.access.push_back(ValidateAccessRule(
        spec.access(i), Join("spec.access", static_cast<std::size_t>(i)), report));
  }
  return draft;
}

ConnectorClass ValidateClass(const v1::ConnectorClass& file, Report& report) {
  ConnectorClass out;
  out.name = file.metadata().name();
  if (!IsDnsSubdomain(out.name)) {
    report.Add("metadata.name", std::string("is not a name; ") + kNameHelp);
  }
  if (!file.metadata().namespace_().empty()) {
    report.Add("metadata.namespace", "a ConnectorClass has no namespace; remove the key");
  }
  for (int i = 0; i < file.spec().allowed_auth_names_size(); ++i) {
    out.allowed_auth.push_back(
        ReadAuthKind(file.spec().allowed_auth_names(i),
                     Join("spec.allowedAuthNames", static_cast<std::size_t>(i)),
                     report));
  }
  out.upstream =
      ReadDefaults(file.spec().upstream().redirects(), file.spec().upstream().limits(), report);
  out.configurations = ValidateConfigurations(file.spec(), report);
  return out;
}

SecretResource ValidateSecret(v1::Secret& file, Report& report) {
  SecretResource out;
  out.name = {ReadNamespace(file.metadata(), report), file.metadata().name()};
  if (!IsDnsSubdomain(out.name.name)) {
    report.Add("metadata.name", std::string("is not a Secret's name; ") + kNameHelp);
  }
  out.type = file.type().empty() ? "Opaque" : file.type();
  ReadData(file, out, report);
  return out;
}

Connector ApplyClass(ConnectorDraft draft, const ConnectorClass& connector_class) {
  const UpstreamDefaults& own = draft.written;
  const UpstreamDefaults& shared = connector_class.upstream;
  const auto pick = [](const auto& first, const auto& second, auto last) {
    return first ? *first : second.value_or(last);
  };
  Upstream& upstream = draft.connector.upstream;
  upstream.redirects.mode = pick(own.mode, shared.mode, RedirectMode::kFollow);
  upstream.redirects.hosts = own.hosts.empty() ? shared.hosts : own.hosts;
  const Limits built_in;
  upstream.limits = {pick(own.max_concurrent_requests,
                          shared.max_concurrent_requests,
                          built_in.max_concurrent_requests),
                     pick(own.connect_timeout, shared.connect_timeout, built_in.connect_timeout),
                     pick(own.idle_timeout, shared.idle_timeout, built_in.idle_timeout)};
  return std::move(draft.connector);
}

}  // namespace connector::resource
