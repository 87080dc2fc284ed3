#pragma once

// Where the Kubernetes API is, and the credentials to ask it with: from a kubeconfig file, or from
// what a pod finds in its own file system and environment.

#include "common/base/result.h"
#include "common/base/secret.h"
#include "common/http/origin.h"

#include <string>

namespace connector::kube {

struct ClusterConnection {
  http::Origin server;
  std::string ca_pem;       // Trusted alone. Empty with http only.
  std::string ca_file;      // Read again every ten seconds; wins over ca_pem.
  std::string server_name;  // In the server's certificate; empty: the host of `server`.
  // One of these, or none. A token file is read again before it is a minute old: a projected token
  // is replaced while we run.
  std::string token_file;
  Secret token;
  std::string client_cert_file;
  std::string client_key_file;
  std::string client_cert_pem;  // The same two in memory; the files win.
  Secret client_key_pem;
  std::string ns;  // Our own namespace; "default" where nothing says another.

  [[nodiscard]] ClusterConnection Clone() const;
};

inline constexpr char kAccountDirectory[] = "/var/run/secrets/kubernetes.io/serviceaccount";

// Of KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT and the files that a pod finds in
// `directory`. Fails with kInvalidArgument outside a pod.
[[nodiscard]] Result<ClusterConnection> InClusterConnection(
    const std::string& directory = kAccountDirectory);

// `context` empty: the current one. Fails with kInvalidArgument naming the file and field, also for
// what is not supported (exec, auth-provider, insecure-skip-tls-verify, ...) with what to write
// instead, and for a credential that would go over plain http.
[[nodiscard]] Result<ClusterConnection> KubeconfigConnection(const std::string& path,
                                                             const std::string& context);

}  // namespace connector::kube
