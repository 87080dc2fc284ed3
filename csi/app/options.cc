#include "csi/app/options.h"

#include "common/config/duration.h"
#include "common/config/read_file.h"
#include "common/config/yaml.h"
#include "common/connections/listen_address.h"
#include "common/kube/cluster_connection.h"
#include "common/log/level.h"
#include "common/program/machine_check.h"
#include "common/resource/ca_bundle.h"
#include "csi/rpc/csi_server.h"

#include "proto/connector/config/v1/csi.pb.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <utility>

namespace connector::csi::app {
namespace {

namespace pb = ::connector::config::v1;
using std::chrono::milliseconds;

constexpr std::size_t kMaxDriverNameBytes = 63;
constexpr std::size_t kMaxNodeIdBytes = 256;
constexpr std::size_t kMaxAudienceBytes = 256;
constexpr std::size_t kMaxCaBytes = std::size_t{256} * 1024;

class CsiOptionsReader {
 public:
  explicit CsiOptionsReader(std::string file) : file_(std::move(file)) {}

  void Complain(std::string path, std::string message) {
    problems_.push_back({file_, 0, std::move(path), std::move(message)});
  }
  std::vector<config::Problem> Take() { return std::move(problems_); }

 private:
  std::string file_;
  std::vector<config::Problem> problems_;
};

// As CSI and the kubelet's plugin registry want it.
bool IsDriverName(const std::string& name) {
  const auto is_word = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !name.empty() && name.size() <= kMaxDriverNameBytes && is_word(name.front()) &&
         is_word(name.back()) && std::all_of(name.begin(), name.end(), [&](char c) {
           return is_word(c) || c == '-' || c == '.';
         });
}

void ReadPlaces(const pb::CsiConfig& from, CsiOptionsReader& reader, CsiOptions& out) {
  Result<std::string> socket = rpc::SocketPath(from.endpoint());
  if (socket) {
    out.socket_path = std::move(*socket);
  } else {
    reader.Complain("endpoint", socket.error().message);
  }
  if (!from.pods_directory().empty()) {
    out.pods_directory = from.pods_directory();
  }
  const std::string& pods = out.pods_directory;
  if (!pods.starts_with('/') || pods.size() < 2 || pods.ends_with('/') ||
      pods.find("//") != std::string::npos || pods.find("/.") != std::string::npos) {
    reader.Complain("podsDirectory",
                    "must be an absolute path in its shortest form, as in /var/lib/kubelet/pods");
  }
}

void ReadNames(const pb::CsiConfig& from, CsiOptionsReader& reader, CsiOptions& out) {
  out.node_id = from.node_id();
  if (out.node_id.empty()) {
    // Read while there is one thread. One configuration then serves every node.
    // NOLINTNEXTLINE(concurrency-mt-unsafe)
    const char* name = std::getenv("NODE_NAME");
    out.node_id = name == nullptr ? "" : name;
  }
  if (out.node_id.empty() || out.node_id.size() > kMaxNodeIdBytes) {
    reader.Complain("nodeId",
                    "must be the node's name, at most 256 bytes; or leave it out and set the "
                    "environment variable NODE_NAME");
  }
  if (!from.driver_name().empty()) {
    out.driver_name = from.driver_name();
  }
  if (!IsDriverName(out.driver_name)) {
    reader.Complain("driverName",
                    "must be lower-case letters, digits, - and ., at most 63, as the CSIDriver "
                    "object's name");
  }
}

void ReadDataplane(const pb::CsiDataplane& from, CsiOptionsReader& reader, CsiOptions& out) {
  out.ca_file = from.ca_file();
  out.tls = from.tls() || !out.ca_file.empty();
  if (out.ca_file.empty()) {
    return;
  }
  const Result<std::string> text = config::ReadFile(out.ca_file, kMaxCaBytes);
  const Result<Done> sound = text ? resource::CheckCaBundle(*text) : Result<Done>(text.error());
  if (!sound) {
    reader.Complain("dataplane.caFile", out.ca_file + ": " + sound.error().message);
  }
}

void ReadTokens(const pb::CsiConfig& from, CsiOptionsReader& reader, CsiOptions& out) {
  out.tokens.require_connector_audience = from.require_connector_audience();
  if (from.audience().empty()) {
    return;
  }
  out.tokens.audience = from.audience();
  const bool visible = std::all_of(
      from.audience().begin(), from.audience().end(), [](char c) { return c > ' ' && c <= '~'; });
  if (!visible || from.audience().size() > kMaxAudienceBytes) {
    reader.Complain("audience",
                    "must be visible ASCII, at most 256 bytes, as the broker's identity.audience");
  }
}

void ReadDefaults(const pb::CsiDefaults& from, CsiOptionsReader& reader, CsiOptions& out) {
  if (from.configuration_names_size() > 0) {
    out.configurations = {from.configuration_names().begin(), from.configuration_names().end()};
  }
  if (from.has_publish_timeout()) {
    out.publish_timeout = config::ToMilliseconds(from.publish_timeout());
    if (out.publish_timeout < milliseconds(100) || out.publish_timeout > std::chrono::minutes(2)) {
      reader.Complain("defaults.publishTimeout", "must be between 100ms and 2m");
    }
  }
}

}  // namespace

std::vector<config::Problem> LoadOptions(const std::string& path, CsiOptions& out) {
  pb::CsiConfig from;
  std::vector<config::Problem> problems = config::LoadConfigFile(path, from);
  if (!problems.empty()) {
    return problems;
  }
  CsiOptionsReader reader(path);
  ReadPlaces(from, reader, out);
  ReadNames(from, reader, out);
  ReadDataplane(from.dataplane(), reader, out);
  ReadDefaults(from.defaults(), reader, out);
  ReadTokens(from, reader, out);
  out.admin_address = from.admin_address();
  if (const auto endpoint = connections::ParseListenAddress(out.admin_address); !endpoint) {
    reader.Complain("adminAddress", endpoint.error().message);
  }
  out.kubeconfig_file = from.kubernetes().kubeconfig_file();
  out.kubeconfig_context = from.kubernetes().context();
  const std::optional<log::Level> level = log::LevelFromName(from.log_level());
  if (!level) {
    reader.Complain("logLevel", "must be " + std::string(log::kLevelNames));
  }
  out.log_level = level.value_or(log::Level::kInfo);
  return reader.Take();
}

std::vector<config::Problem> CheckMachine(const std::string& path, const CsiOptions& options) {
  program::MachineCheck check(path);
  check.Listening("adminAddress", options.admin_address);
  if (!options.kubeconfig_file.empty()) {
    const Result<kube::ClusterConnection> connection =
        kube::KubeconfigConnection(options.kubeconfig_file, options.kubeconfig_context);
    if (!connection) {
      check.Complain("kubernetes.kubeconfigFile", connection.error().message);
    }
  }
  check.ReadableDirectory("podsDirectory", options.pods_directory);
  check.ReadableDirectory("endpoint", std::filesystem::path(options.socket_path).parent_path());
  return check.Take();
}

}  // namespace connector::csi::app
