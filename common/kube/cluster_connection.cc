#include "common/kube/cluster_connection.h"

#include "common/config/read_file.h"

#include <cstdlib>

namespace connector::kube {
namespace {

constexpr std::size_t kMaxNameBytes = 1024;

std::string Environment(const char* name) {
  // Read once at the start of a program, before it has threads.
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
  return value == nullptr ? "" : value;
}

Error InvalidSettings(std::string message) {
  return MakeError(ErrorCode::kInvalidArgument, ErrorOrigin::kSelf, std::move(message));
}

}  // namespace

ClusterConnection ClusterConnection::Clone() const {
  ClusterConnection copy;
  copy.server = server;
  copy.ca_pem = ca_pem;
  copy.ca_file = ca_file;
  copy.server_name = server_name;
  copy.token_file = token_file;
  copy.token = token.Clone();
  copy.client_cert_file = client_cert_file;
  copy.client_key_file = client_key_file;
  copy.client_cert_pem = client_cert_pem;
  copy.client_key_pem = client_key_pem.Clone();
  copy.ns = ns;
  return copy;
}

Result<ClusterConnection> InClusterConnection(const std::string& directory) {
  const std::string host = Environment("KUBERNETES_SERVICE_HOST");
  const std::string port = Environment("KUBERNETES_SERVICE_PORT");
  if (host.empty() || port.empty()) {
    return InvalidSettings(
        "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set: outside a pod, name a "
        "kubeconfigFile");
  }
  const bool ipv6 = host.find(':') != std::string::npos;
  const Result<http::Origin> server =
      http::ParseOrigin("https://" + (ipv6 ? "[" + host + "]" : host) + ":" + port);
  if (!server) {
    return InvalidSettings("KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are no address: " +
                           server.error().message);
  }
  ClusterConnection connection;
  connection.server = *server;
  connection.ca_file = directory + "/ca.crt";
  connection.token_file = directory + "/token";
  connection.ns = "default";
  for (const std::string& file : {connection.ca_file, connection.token_file}) {
    constexpr std::size_t kMaxBytes = 1024 * 1024;
    if (const Result<std::string> read = config::ReadFile(file, kMaxBytes); !read) {
      return InvalidSettings(file + ": " + read.error().message +
                             "; the pod needs its ServiceAccount token mounted");
    }
  }
  if (const Result<std::string> ns = config::ReadFile(directory + "/namespace", kMaxNameBytes)) {
    const std::size_t end = ns->find_last_not_of(" \r\n");
    connection.ns = end == std::string::npos ? "default" : ns->substr(0, end + 1);
  }
  return connection;
}

}  // namespace connector::kube
