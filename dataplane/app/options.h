#pragma once

// DataplaneOptions: the data plane's configuration with its defaults applied and its rules checked.
// The schema is proto/connector/config/v1/dataplane.proto.

#include "common/config/problem.h"
#include "common/grpc/credentials.h"
#include "common/log/log.h"
#include "dataplane/server/server.h"

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace connector::dataplane::app {

struct DataplaneOptions {
  server::ServerOptions server;
  std::string admin_address;
  std::string broker_address;
  std::string broker_server_name;
  grpc_support::TlsFiles broker_tls;
  std::chrono::milliseconds broker_timeout{10'000};
  std::size_t token_cache_entries = 65'536;
  log::Level log_level = log::Level::kInfo;
};

// Reads and checks the file. With problems, `out` is not to be used.
[[nodiscard]] std::vector<config::Problem> LoadOptions(const std::string& path,
                                                       DataplaneOptions& out);

// What the start would find on this machine: certificates, and addresses to listen on.
[[nodiscard]] std::vector<config::Problem> CheckMachine(const std::string& path,
                                                        const DataplaneOptions& options);

}  // namespace connector::dataplane::app
