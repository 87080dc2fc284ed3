#include "broker/app/options.h"

#include "broker/api/sealing_keys.h"
#include "broker/app/access_options.h"
#include "broker/secrets/vault/read_vault_options.h"
#include "common/auditlog/record.h"
#include "common/config/options_reader.h"
#include "common/config/read_file.h"
#include "common/config/yaml.h"
#include "common/grpc/tls_check.h"
#include "common/log/level.h"
#include "common/resource/ca_bundle.h"

#include "proto/connector/config/v1/broker.pb.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <unistd.h>

#include <utility>

namespace connector::broker::app {
namespace {

namespace pb = ::connector::config::v1;

constexpr std::chrono::seconds kMinAuditFileAge{60};
constexpr std::chrono::seconds kMaxAuditFileAge{std::chrono::hours(24 * 366)};

log::Level ReadLevel(const std::string& text, config::OptionsReader& reader) {
  const std::optional<log::Level> level = log::LevelFromName(text);
  if (!level) {
    reader.Complain("logLevel", "must be " + std::string(log::kLevelNames));
  }
  return level.value_or(log::Level::kInfo);
}

std::string HostName() {
  char name[HOST_NAME_MAX + 1] = {};
  return ::gethostname(name, HOST_NAME_MAX) == 0 ? std::string(name) : std::string();
}

void ReadTls(const pb::ServerTls& from,
             config::OptionsReader& reader,
             grpc_support::TlsFiles& out) {
  out = {from.certificate_file(), from.key_file(), from.client_ca_file()};
  reader.Check("tls.certificateFile",
               out.certificate_file,
               grpc_support::CheckCertificateFile(out.certificate_file));
  reader.Check(
      "tls.keyFile", out.key_file, grpc_support::CheckKeyFile(out.key_file, out.certificate_file));
  reader.Check("tls.clientCaFile", out.ca_file, grpc_support::CheckCaFile(out.ca_file));
}

void ReadIdentity(const pb::Identity& from, config::OptionsReader& reader, Options& out) {
  if (!from.audience().empty()) {
    out.audience = from.audience();
  }
  if (from.has_local()) {
    out.local_issuer = LocalIssuerOptions{from.local().issuer(), from.local().jwks_file()};
  }
  for (int i = 0; i < from.oidc_size(); ++i) {
    const pb::OidcIssuer& issuer = from.oidc(i);
    const std::string path = config::Join("identity.oidc", static_cast<std::size_t>(i));
    OidcIssuerOptions options{issuer.issuer(),
                              issuer.audience().empty() ? out.audience : issuer.audience(),
                              {},
                              issuer.jwks_uri(),
                              issuer.allow_insecure(),
                              issuer.kubernetes()};
    if (!issuer.ca_file().empty()) {
      options.ca_pem = reader.ReadText(path + ".caFile", issuer.ca_file());
      reader.Check(path + ".caFile", issuer.ca_file(), resource::CheckCaBundle(options.ca_pem));
    }
    out.oidc_issuers.push_back(std::move(options));
  }
  if (from.has_kubernetes()) {
    out.kubernetes_identity = ReadKubernetesIdentity(from.kubernetes(), reader);
  }
  if (!out.local_issuer && out.oidc_issuers.empty() && !out.kubernetes_identity) {
    reader.Complain("identity",
                    "names no issuer, so nobody could be verified; add kubernetes, local or oidc");
  }
}

void ReadAudit(const pb::Audit& from, config::OptionsReader& reader, Options& out) {
  out.audit_directory = from.directory();
  out.audit_replica = from.replica().empty() ? HostName() : from.replica();
  if (out.audit_replica.size() > auditlog::kMaxReplicaBytes) {
    reader.Complain("audit.replica", "must be at most 253 bytes");
  }
  if (!from.has_max_file_age()) {
    return;
  }
  out.max_audit_file_age = std::chrono::seconds(from.max_file_age().seconds());
  if (out.max_audit_file_age < kMinAuditFileAge || out.max_audit_file_age > kMaxAuditFileAge) {
    reader.Complain("audit.maxFileAge", "must be between 1m and 8784h");
  }
}

void ReadRootKey(const std::string& file, config::OptionsReader& reader, Secret& out) {
  std::string bytes = reader.ReadText("rootKeyFile", file);
  if (!bytes.empty() && bytes.size() < api::kMinRootKeyBytes) {
    reader.Complain("rootKeyFile",
                    file +
                        ": holds fewer than 32 bytes; make one with connectorctl pki init, or "
                        "head -c 32 /dev/urandom");
  }
  out = Secret(bytes);
  OPENSSL_cleanse(bytes.data(), bytes.size());
}

void ReadResources(const pb::Resources& from, config::OptionsReader& reader, Options& out) {
  if (from.directory().empty() == !from.has_kubernetes()) {
    reader.Complain("resources",
                    from.has_kubernetes()
                        ? "names directory and kubernetes; keep one of them"
                        : "names no place; add directory, or kubernetes: {} in a cluster");
  }
  out.resource_directory = from.directory();
}

void ReadKubernetes(const pb::KubernetesConnection& from,
                    config::OptionsReader& reader,
                    Options& out) {
  Result<kube::ClusterConnection> settings =
      from.kubeconfig_file().empty()
          ? kube::InClusterConnection()
          : kube::KubeconfigConnection(from.kubeconfig_file(), from.context());
  if (!settings) {
    reader.Complain("kubernetes", settings.error().message);
    return;
  }
  if (from.kubeconfig_file().empty() && !from.context().empty()) {
    reader.Complain("kubernetes.context", "is of a kubeconfigFile; add that, or remove this");
  }
  out.kubernetes = *std::move(settings);
}

}  // namespace

std::vector<config::Problem> LoadOptions(const std::string& path, Options& out) {
  pb::BrokerConfig from;
  std::vector<config::Problem> problems = config::LoadConfigFile(path, from);
  if (!problems.empty()) {
    return problems;
  }
  const Result<std::string> text = config::ReadFile(path, config::kMaxYamlBytes);
  config::YamlDocuments documents = config::ParseYaml(text ? *text : std::string(), path);
  config::OptionsReader reader(
      path, documents.roots.empty() ? config::Node() : std::move(documents.roots.front()));
  out.listen_address = from.listen_address();
  out.admin_address = from.admin_address();
  ReadTls(from.tls(), reader, out.tls);
  out.peers = {{from.peers().dataplanes().begin(), from.peers().dataplanes().end()},
               {from.peers().operators().begin(), from.peers().operators().end()}};
  ReadResources(from.resources(), reader, out);
  ReadIdentity(from.identity(), reader, out);
  out.rbac = ReadAccessMode(from.access(), from.resources().has_kubernetes(), reader);
  if (from.resources().has_kubernetes() || out.rbac || out.kubernetes_identity) {
    ReadKubernetes(from.kubernetes(), reader, out);
  }
  ReadAudit(from.audit(), reader, out);
  ReadRootKey(from.root_key_file(), reader, out.root_key);
  out.log_level = ReadLevel(from.log_level(), reader);
  if (from.has_vault()) {
    out.vault = secrets::ReadVault(from.vault(), reader);
  }
  return reader.Take();
}

}  // namespace connector::broker::app
