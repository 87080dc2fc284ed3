#include "broker/app/options.h"

#include "broker/api/peer_names.h"
#include "broker/authorization/access_mode.h"
#include "broker/secrets/vault/read_vault_options.h"
#include "common/config/duration.h"
#include "common/config/options_reader.h"
#include "common/config/problem.h"
#include "common/config/read_file.h"
#include "common/config/yaml.h"
#include "common/connections/listen_address.h"
#include "common/grpc/tls_check.h"
#include "common/log/level.h"
#include "common/program/machine_check.h"
#include "common/routing/read_upstream_policy.h"

#include "proto/connector/config/v1/broker.pb.h"

#include <chrono>
#include <memory>
#include <utility>

namespace connector::broker::app {
namespace {

namespace pb = ::connector::config::v1;

log::Level ReadLevel(const std::string& text, config::OptionsReader& reader) {
  const std::optional<log::Level> level = log::LevelFromName(text);
  if (!level) {
    reader.Complain("logLevel", "must be " + std::string(log::kLevelNames));
  }
  return level.value_or(log::Level::kInfo);
}

void CheckAddress(const std::string& path,
                  const std::string& address,
                  config::OptionsReader& reader) {
  if (const auto endpoint = connections::ParseListenAddress(address); !endpoint) {
    reader.Complain(path, endpoint.error().message);
  }
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

void ReadRootKey(const std::string& file, config::OptionsReader& reader, BrokerOptions& out) {
  Result<root_key::RootKeys> keys = root_key::ReadRootKeys(file);
  if (!keys) {
    reader.Complain("rootKeyFile", keys.error().message);
    return;
  }
  out.root_key_file = file;
  out.root_keys = std::make_shared<const root_key::RootKeys>(*std::move(keys));
}

void CheckPeers(const std::string& path,
                const std::vector<std::string>& entries,
                config::OptionsReader& reader) {
  for (std::size_t i = 0; i < entries.size(); ++i) {
    reader.Check(config::Join(path, i), entries[i], api::CheckPeerEntry(entries[i]));
  }
}

void ReadResources(const pb::Resources& from, config::OptionsReader& reader, BrokerOptions& out) {
  if (from.directory().empty() == !from.has_kubernetes()) {
    reader.Complain("resources",
                    from.has_kubernetes()
                        ? "names directory and kubernetes; keep one of them"
                        : "names no place; add directory, or kubernetes: {} in a cluster");
  }
  out.resource_directory = from.directory();
  if (from.has_max_silence()) {
    out.max_silence = config::ToMilliseconds(from.max_silence());
    if (out.max_silence < std::chrono::seconds(5) || out.max_silence > std::chrono::hours(1)) {
      reader.Complain("resources.maxSilence", "must be between 5s and 1h");
    }
  }
}

void ReadKubernetes(const pb::KubernetesConnection& from,
                    config::OptionsReader& reader,
                    BrokerOptions& out) {
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

std::vector<config::Problem> LoadOptions(const std::string& path, BrokerOptions& out) {
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
  CheckAddress("listenAddress", out.listen_address, reader);
  CheckAddress("adminAddress", out.admin_address, reader);
  ReadTls(from.tls(), reader, out.tls);
  out.peers = {{from.peers().dataplanes().begin(), from.peers().dataplanes().end()},
               {from.peers().operators().begin(), from.peers().operators().end()}};
  CheckPeers("peers.dataplanes", out.peers.dataplanes, reader);
  CheckPeers("peers.operators", out.peers.operators, reader);
  ReadResources(from.resources(), reader, out);
  if (from.has_deny_list()) {
    out.deny_list = deny_list::ReadDenyListOptions(from.deny_list(), reader);
  }
  out.callers = callers::ReadCallers(from.identity(), reader);
  out.rbac =
      authorization::ReadAccessMode(from.access(), from.resources().has_kubernetes(), reader);
  const bool watched_list = out.deny_list && out.deny_list->config_map;
  if (from.resources().has_kubernetes() || out.rbac || out.callers.kubernetes || watched_list) {
    ReadKubernetes(from.kubernetes(), reader, out);
  }
  out.upstream_policy =
      routing::ReadUpstreamPolicy(from.upstream_policy(),
                                  from.resources().has_kubernetes(),
                                  [&reader](const std::string& where, const char* message) {
                                    reader.Complain(config::Join("upstreamPolicy", where), message);
                                  });
  out.audit = audit::ReadAudit(from.audit(), reader);
  out.audit_exports = audit_export::ReadAuditExports(from.audit(), reader);
  ReadRootKey(from.root_key_file(), reader, out);
  out.log_level = ReadLevel(from.log_level(), reader);
  if (from.has_vault()) {
    out.vault = secrets::ReadVault(from.vault(), reader);
  }
  if (from.has_listener_authority()) {
    out.listener_authority =
        listener_authority::ReadListenerAuthority(from.listener_authority(), reader);
  }
  return reader.Take();
}

std::vector<config::Problem> CheckMachine(const std::string& path, const BrokerOptions& options) {
  program::MachineCheck check(path);
  check.Listening("listenAddress", options.listen_address);
  check.Listening("adminAddress", options.admin_address);
  if (!options.resource_directory.empty()) {
    check.ReadableDirectory("resources.directory", options.resource_directory);
  }
  check.WritableDirectory("audit.directory", options.audit.directory);
  return check.Take();
}

}  // namespace connector::broker::app
