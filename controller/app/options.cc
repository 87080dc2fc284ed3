#include "controller/app/options.h"

#include "common/config/duration.h"
#include "common/config/yaml.h"
#include "common/connections/listen_address.h"
#include "common/grpc/tls_check.h"
#include "common/kube/cluster_connection.h"
#include "common/log/level.h"
#include "common/program/machine_check.h"
#include "common/resource/names.h"

#include "proto/connector/config/v1/controller.pb.h"

#include <cstdint>
#include <optional>
#include <utility>

namespace connector::controller::app {
namespace {

namespace pb = ::connector::config::v1;
using std::chrono::milliseconds;

constexpr std::uint32_t kMaxPort = 65'535;
constexpr std::uint32_t kMaxAtOnce = 256;

// Reads fields one by one and collects what is wrong with them.
class ControllerOptionsReader {
 public:
  explicit ControllerOptionsReader(std::string file) : file_(std::move(file)) {}

  void Complain(std::string path, std::string message) {
    problems_.push_back({file_, 0, std::move(path), std::move(message)});
  }

  void Duration(std::string path,
                bool present,
                const google::protobuf::Duration& value,
                milliseconds& out) {
    if (!present) {
      return;
    }
    out = config::ToMilliseconds(value);
    if (out < milliseconds(100) || out > std::chrono::hours(24)) {
      Complain(std::move(path), "must be between 100ms and 24h");
    }
  }

  void Count(std::string path, std::uint32_t value, int& out) {
    if (value > kMaxAtOnce) {
      Complain(std::move(path), "must be at most " + std::to_string(kMaxAtOnce));
    } else if (value > 0) {
      out = static_cast<int>(value);
    }
  }

  std::uint16_t Port(std::string path, std::uint32_t value) {
    if (value > kMaxPort) {
      Complain(std::move(path), "must be at most " + std::to_string(kMaxPort));
    }
    return static_cast<std::uint16_t>(value);
  }

  void Label(std::string path, const std::string& value) {
    if (!resource::IsDnsLabel(value)) {
      Complain(std::move(path), "must be one lower-case DNS label, as names in Kubernetes are");
    }
  }

  std::vector<config::Problem> Take() { return std::move(problems_); }

 private:
  std::string file_;
  std::vector<config::Problem> problems_;
};

void ReadService(const pb::ConnectorService& from,
                 ControllerOptionsReader& reader,
                 service::ProxyServiceSettings& out) {
  out.dataplane_ns = from.dataplane().namespace_();
  out.dataplane_name = from.dataplane().name();
  reader.Label("service.dataplane.namespace", out.dataplane_ns);
  reader.Label("service.dataplane.name", out.dataplane_name);
  out.mode = from.mode() == pb::SERVICE_MODE_ENDPOINTS ? service::Mode::kEndpoints
                                                       : service::Mode::kExternalName;
  if (!from.cluster_domain().empty()) {
    out.cluster_domain = from.cluster_domain();
    if (!resource::IsDnsSubdomain(out.cluster_domain)) {
      reader.Complain("service.clusterDomain",
                      "must be lower-case DNS labels, for example cluster.local");
    }
  }
  out.https_url = from.url_scheme() == pb::URL_SCHEME_HTTPS;
  if (from.http_port() > 0) {
    out.http_port = reader.Port("service.httpPort", from.http_port());
  } else if (out.https_url) {
    out.http_port.reset();
  }
  if (from.https_port() > 0) {
    out.https_port = reader.Port("service.httpsPort", from.https_port());
    if (out.https_port == out.http_port) {
      reader.Complain("service.httpsPort", "must differ from httpPort");
    }
  }
  if (out.https_url && !out.https_port) {
    reader.Complain("service.urlScheme", "https wants a service.httpsPort, for example 443");
  }
}

void ReadElection(const pb::LeaderElection& from,
                  ControllerOptionsReader& reader,
                  ControllerOptions& out) {
  if (!from.name().empty()) {
    out.lease_name = from.name();
    reader.Label("leaderElection.name", out.lease_name);
  }
  if (!from.namespace_().empty()) {
    out.lease_namespace = from.namespace_();
    reader.Label("leaderElection.namespace", out.lease_namespace);
  }
  election::LeaseTimes& times = out.lease_times;
  reader.Duration("leaderElection.leaseDuration",
                  from.has_lease_duration(),
                  from.lease_duration(),
                  times.lease_duration);
  reader.Duration("leaderElection.renewDeadline",
                  from.has_renew_deadline(),
                  from.renew_deadline(),
                  times.renew_deadline);
  reader.Duration("leaderElection.renewPeriod",
                  from.has_renew_period(),
                  from.renew_period(),
                  times.renew_period);
  reader.Duration("leaderElection.retryPeriod",
                  from.has_retry_period(),
                  from.retry_period(),
                  times.retry_period);
  const std::string problem = election::LeaseTimesProblem(times);
  if (!problem.empty()) {
    reader.Complain("leaderElection", problem);
  }
}

void ReadProbes(const pb::Probes& from, ControllerOptionsReader& reader, ControllerOptions& out) {
  reader.Duration("probes.period", from.has_period(), from.period(), out.probes.period);
  reader.Duration(
      "probes.firstRetry", from.has_first_retry(), from.first_retry(), out.probes.first_retry);
  if (out.probes.first_retry > out.probes.period) {
    reader.Complain("probes.firstRetry", "must be at most probes.period");
  }
  reader.Duration("probes.brokerGrace",
                  from.has_broker_grace(),
                  from.broker_grace(),
                  out.probe_rules.broker_grace);
  reader.Count("probes.concurrency", from.concurrency(), out.probes.concurrency);
  reader.Count(
      "probes.failureThreshold", from.failure_threshold(), out.probe_rules.failure_threshold);
}

}  // namespace

std::vector<config::Problem> LoadOptions(const std::string& path, ControllerOptions& out) {
  pb::ControllerConfig from;
  std::vector<config::Problem> problems = config::LoadConfigFile(path, from);
  if (!problems.empty()) {
    return problems;
  }
  ControllerOptionsReader reader(path);
  out.kubeconfig_file = from.kubernetes().kubeconfig_file();
  out.kubeconfig_context = from.kubernetes().context();
  if (out.kubeconfig_file.empty() && !out.kubeconfig_context.empty()) {
    reader.Complain("kubernetes.context", "is of a kubeconfigFile, which is missing");
  }
  out.admin_address = from.admin_address();
  if (const auto endpoint = connections::ParseListenAddress(out.admin_address); !endpoint) {
    reader.Complain("adminAddress", endpoint.error().message);
  }
  out.broker_address = from.broker().address();
  out.broker_server_name = from.broker().server_name();
  out.broker_tls = {
      from.broker().certificate_file(), from.broker().key_file(), from.broker().ca_file()};
  reader.Duration(
      "broker.timeout", from.broker().has_timeout(), from.broker().timeout(), out.broker_timeout);
  ReadService(from.service(), reader, out.service);
  ReadElection(from.leader_election(), reader, out);
  ReadProbes(from.probes(), reader, out);
  reader.Count("workers", from.workers(), out.workers);
  const std::optional<log::Level> level = log::LevelFromName(from.log_level());
  if (!level) {
    reader.Complain("logLevel", "must be " + std::string(log::kLevelNames));
  }
  out.log_level = level.value_or(log::Level::kInfo);
  return reader.Take();
}

std::vector<config::Problem> CheckMachine(const std::string& path,
                                          const ControllerOptions& options) {
  program::MachineCheck check(path);
  check.Listening("adminAddress", options.admin_address);
  if (!options.kubeconfig_file.empty()) {
    const Result<kube::ClusterConnection> connection =
        kube::KubeconfigConnection(options.kubeconfig_file, options.kubeconfig_context);
    if (!connection) {
      check.Complain("kubernetes.kubeconfigFile", connection.error().message);
    }
  }
  grpc_support::CheckClientFiles(options.broker_tls,
                                 [&](const auto& key, const auto& file, const auto& sound) {
                                   check.Usable("broker." + key, file, sound);
                                 });
  return check.Take();
}

}  // namespace connector::controller::app
