#pragma once

// Options: the broker's configuration with its defaults applied, its rules checked and the files
// that it names read once. The schema is proto/connector/config/v1/broker.proto.

#include "broker/api/peers.h"
#include "broker/api/serving_state.h"
#include "broker/audit/audit_options.h"
#include "broker/audit_export/export_options.h"
#include "broker/callers/callers_options.h"
#include "broker/deny_list/deny_list_options.h"
#include "broker/listener_authority/read_listener_authority.h"
#include "broker/root_key/root_keys.h"
#include "broker/secrets/vault/vault_options.h"
#include "common/config/problem.h"
#include "common/grpc/credentials.h"
#include "common/kube/cluster_connection.h"
#include "common/log/log.h"
#include "common/routing/upstream_policy.h"

#include <optional>
#include <string>
#include <vector>

namespace connector::broker::app {

struct BrokerOptions {
  std::string listen_address;
  std::string admin_address;
  grpc_support::TlsFiles tls;
  api::PeerLists peers;
  std::string resource_directory;  // Empty: resources are those of the Kubernetes API.
  std::chrono::milliseconds max_silence = api::kDefaultMaxSilence;  // And of the deny list.
  callers::CallersOptions callers;
  routing::UpstreamPolicy upstream_policy;  // Of all namespaces.
  bool rbac = false;                        // The cluster's RBAC counts, and then the access rules.
  audit::AuditOptions audit;
  audit_export::AuditExportOptions audit_exports;
  std::string root_key_file;  // And those beside it (root_keys.h).
  root_key::RootKeysPtr root_keys;
  log::Level log_level = log::Level::kInfo;
  std::optional<secrets::VaultOptions> vault;
  std::optional<listener_authority::ListenerAuthorityOptions> listener_authority;
  std::optional<deny_list::DenyListOptions> deny_list;
  std::optional<kube::ClusterConnection> kubernetes;  // Where something needs the API.
};

// Reads and checks the file. With problems, `out` is not to be used.
[[nodiscard]] std::vector<config::Problem> LoadOptions(const std::string& path, BrokerOptions& out);

// What the start would find on this machine: folders, and addresses to listen on.
[[nodiscard]] std::vector<config::Problem> CheckMachine(const std::string& path,
                                                        const BrokerOptions& options);

}  // namespace connector::broker::app
