#include "dataplane/app/options.h"

#include "common/config/duration.h"
#include "common/config/yaml.h"
#include "common/connections/listen_address.h"
#include "common/grpc/tls_check.h"
#include "common/log/level.h"
#include "common/program/machine_check.h"
#include "common/routing/connector_host.h"

#include "proto/connector/config/v1/dataplane.pb.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <thread>
#include <utility>

namespace connector::dataplane::app {
namespace {

namespace pb = ::connector::config::v1;

constexpr std::uint32_t kMaxRefusedTokensPerSecond = 1'000'000;
using std::chrono::milliseconds;

// Reads fields one by one and collects what is wrong with them.
class OptionReader {
 public:
  explicit OptionReader(std::string file) : file_(std::move(file)) {}

  void Complain(std::string path, std::string message) {
    problems_.push_back({file_, 0, std::move(path), std::move(message)});
  }

  milliseconds Duration(std::string path,
                        bool present,
                        const google::protobuf::Duration& value,
                        milliseconds otherwise) {
    if (!present) {
      return otherwise;
    }
    const milliseconds read = config::ToMilliseconds(value);
    if (read < milliseconds(100) || read > std::chrono::hours(24)) {
      Complain(std::move(path), "must be between 100ms and 24h");
    }
    return read;
  }

  log::Level Level(const std::string& text) {
    const std::optional<log::Level> level = log::LevelFromName(text);
    if (!level) {
      Complain("logLevel", "must be " + std::string(log::kLevelNames));
    }
    return level.value_or(log::Level::kInfo);
  }

  std::vector<config::Problem> Take() { return std::move(problems_); }

 private:
  std::string file_;
  std::vector<config::Problem> problems_;
};

void CheckAddress(const std::string& path, const std::string& address, OptionReader& reader) {
  if (const auto endpoint = connections::ParseListenAddress(address); !endpoint) {
    reader.Complain(path, endpoint.error().message);
  }
}

// After the host suffixes.
void ReadListener(const pb::Listener& from,
                  const std::string& path,
                  OptionReader& reader,
                  server::ServerOptions& out) {
  CheckAddress(path + ".address", from.address(), reader);
  const pb::ListenerTls& tls = from.tls();
  server::ListenerOptions listener{.address = from.address(),
                                   .certificate_file = tls.certificate_file(),
                                   .key_file = tls.key_file(),
                                   .from_broker = tls.has_from_broker(),
                                   .dataplane_hosts = {tls.from_broker().dataplane_hosts().begin(),
                                                       tls.from_broker().dataplane_hosts().end()}};
  if (listener.certificate_file.empty() != listener.key_file.empty()) {
    reader.Complain(path + ".tls", "needs certificateFile and keyFile, or neither");
  }
  if (from.has_tls() && listener.certificate_file.empty() && !listener.from_broker) {
    reader.Complain(path + ".tls",
                    "names no certificate; add fromBroker: {}, or certificateFile and keyFile");
  }
  for (std::size_t i = 0; i < listener.dataplane_hosts.size(); ++i) {
    if (!routing::IsBelowSuffix(listener.dataplane_hosts[i], out.settings.certified_suffixes)) {
      reader.Complain(
          path + ".tls.fromBroker.dataplaneHosts[" + std::to_string(i) + "]",
          "must be a lower-case DNS name below svc, svc.local, svc.cluster.local or one of "
          "hostSuffixes, which are all that the broker certifies");
    }
  }
  out.listeners.push_back(std::move(listener));
}

void ReadSettings(const pb::DataplaneConfig& from,
                  OptionReader& reader,
                  server::ServerSettings& out) {
  out.host_suffixes = {from.host_suffixes().begin(), from.host_suffixes().end()};
  out.certified_suffixes = routing::CertifiedSuffixes(out.host_suffixes);
  for (int i = 0; i < from.host_suffixes_size(); ++i) {
    if (!routing::IsHostSuffix(from.host_suffixes(i))) {
      reader.Complain("hostSuffixes[" + std::to_string(i) + "]",
                      "must be lower-case DNS labels without a leading dot, for example svc");
    }
  }
  const pb::DataplaneLimits& limits = from.limits();
  if (limits.max_connections() > 0) {
    out.max_connections = limits.max_connections();
  }
  out.max_connections_per_address = limits.max_connections_per_address();
  if (out.max_connections_per_address > out.max_connections) {
    reader.Complain(
        "limits.maxConnectionsPerAddress",
        "must be at most limits.maxConnections, which is " + std::to_string(out.max_connections));
  }
  if (limits.refused_tokens_per_second() > 0) {
    out.refused_tokens_per_second = limits.refused_tokens_per_second();
  }
  if (out.refused_tokens_per_second > kMaxRefusedTokensPerSecond) {
    reader.Complain("limits.refusedTokensPerSecond",
                    "must be at most " + std::to_string(kMaxRefusedTokensPerSecond));
  }
  if (limits.min_client_rate() > 0) {
    out.min_client_rate = limits.min_client_rate();
  }
  out.head_timeout = reader.Duration(
      "limits.headTimeout", limits.has_head_timeout(), limits.head_timeout(), out.head_timeout);
  out.keepalive_timeout = reader.Duration("limits.keepaliveTimeout",
                                          limits.has_keepalive_timeout(),
                                          limits.keepalive_timeout(),
                                          out.keepalive_timeout);
  out.idle_timeout = reader.Duration(
      "limits.idleTimeout", limits.has_idle_timeout(), limits.idle_timeout(), out.idle_timeout);
  out.drain_timeout = reader.Duration(
      "drainTimeout", from.has_drain_timeout(), from.drain_timeout(), out.drain_timeout);
}

}  // namespace

std::vector<config::Problem> LoadOptions(const std::string& path, DataplaneOptions& out) {
  pb::DataplaneConfig from;
  std::vector<config::Problem> problems = config::LoadConfigFile(path, from);
  if (!problems.empty()) {
    return problems;
  }
  OptionReader reader(path);
  out.server.threads =
      from.threads() > 0 ? from.threads() : std::max(1U, std::thread::hardware_concurrency());
  if (from.threads() > 1024) {
    reader.Complain("threads", "must be at most 1024");
  }
  ReadSettings(from, reader, out.server.settings);
  for (int i = 0; i < from.listeners_size(); ++i) {
    ReadListener(from.listeners(i), "listeners[" + std::to_string(i) + "]", reader, out.server);
  }
  out.admin_address = from.admin_address();
  CheckAddress("adminAddress", out.admin_address, reader);
  out.broker_address = from.broker().address();
  out.broker_server_name = from.broker().server_name();
  out.broker_tls = {
      from.broker().certificate_file(), from.broker().key_file(), from.broker().ca_file()};
  out.broker_timeout = reader.Duration(
      "broker.timeout", from.broker().has_timeout(), from.broker().timeout(), out.broker_timeout);
  if (from.limits().token_cache_entries() > 0) {
    out.token_cache_entries = from.limits().token_cache_entries();
  }
  out.log_level = reader.Level(from.log_level());
  return reader.Take();
}

std::vector<config::Problem> CheckMachine(const std::string& path,
                                          const DataplaneOptions& options) {
  program::MachineCheck check(path);
  for (std::size_t i = 0; i < options.server.listeners.size(); ++i) {
    const server::ListenerOptions& listener = options.server.listeners[i];
    const std::string key = "listeners[" + std::to_string(i) + "]";
    check.Listening(key + ".address", listener.address);
    if (!listener.certificate_file.empty()) {
      check.Usable(key + ".tls.certificateFile",
                   listener.certificate_file,
                   grpc_support::CheckCertificateFile(listener.certificate_file));
      check.Usable(key + ".tls.keyFile",
                   listener.key_file,
                   grpc_support::CheckKeyFile(listener.key_file, listener.certificate_file));
    }
  }
  check.Listening("adminAddress", options.admin_address);
  grpc_support::CheckClientFiles(options.broker_tls,
                                 [&](const auto& key, const auto& file, const auto& sound) {
                                   check.Usable("broker." + key, file, sound);
                                 });
  return check.Take();
}

}  // namespace connector::dataplane::app
