#pragma once

// Options: the broker's configuration with its defaults applied, its rules checked and the files
// that it names read once. The schema is proto/connector/config/v1/broker.proto.

#include "broker/api/peers.h"
#include "broker/secrets/vault/vault_options.h"
#include "common/base/secret.h"
#include "common/config/problem.h"
#include "common/grpc/credentials.h"
#include "common/kube/cluster_connection.h"
#include "common/log/log.h"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace connector::broker::app {

inline constexpr const char* kDefaultAudience = "oci-connector";
inline constexpr std::chrono::hours kDefaultMaxAuditFileAge{24};

struct LocalIssuerOptions {
  std::string issuer;
  std::string jwks_file;
};

struct OidcIssuerOptions {
  std::string issuer;
  std::string audience;
  std::string ca_pem;
  std::string jwks_uri;
  bool allow_insecure = false;
  bool kubernetes = false;
};

struct KubernetesIdentityOptions {
  bool jwks = false;   // Else TokenReview.
  std::string issuer;  // Empty: the API server is asked.
  unsigned max_reviews_per_second = 200;
  std::chrono::milliseconds positive_cache = std::chrono::seconds(10);
  std::chrono::milliseconds negative_cache = std::chrono::seconds(5);
};

struct Options {
  std::string listen_address;
  std::string admin_address;
  grpc_support::TlsFiles tls;
  api::PeerLists peers;
  std::string resource_directory;  // Empty: resources are those of the Kubernetes API.
  std::string audience = kDefaultAudience;
  std::optional<LocalIssuerOptions> local_issuer;
  std::vector<OidcIssuerOptions> oidc_issuers;
  std::optional<KubernetesIdentityOptions> kubernetes_identity;
  bool rbac = false;  // The cluster's RBAC counts, and then the access rules.
  std::string audit_directory;
  std::string audit_replica;
  std::chrono::seconds max_audit_file_age = kDefaultMaxAuditFileAge;
  Secret root_key;
  log::Level log_level = log::Level::kInfo;
  std::optional<secrets::VaultOptions> vault;
  std::optional<kube::ClusterConnection> kubernetes;  // Where something needs the API.

  // A Connector of the API without access rules is open to whom RBAC lets in; one of a file, to
  // nobody.
  [[nodiscard]] bool in_cluster() const { return resource_directory.empty(); }
};

// Reads and checks the file. With problems, `out` is not to be used.
[[nodiscard]] std::vector<config::Problem> LoadOptions(const std::string& path, Options& out);

}  // namespace connector::broker::app
