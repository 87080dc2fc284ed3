#pragma once

// ControllerOptions: the controller's configuration with its defaults applied and its rules
// checked. The schema is proto/connector/config/v1/controller.proto.

#include "common/config/problem.h"
#include "common/grpc/credentials.h"
#include "common/log/log.h"
#include "controller/election/lease_state.h"
#include "controller/probe/probe_runner.h"
#include "controller/service/proxy_service.h"
#include "controller/status/probe_memory.h"

#include <chrono>
#include <string>
#include <vector>

namespace connector::controller::app {

struct ControllerOptions {
  std::string kubeconfig_file;  // Empty: as a pod does.
  std::string kubeconfig_context;
  std::string admin_address;
  std::string broker_address;
  std::string broker_server_name;
  grpc_support::TlsFiles broker_tls;
  std::chrono::milliseconds broker_timeout{20'000};
  service::ProxyServiceSettings service;
  std::string lease_name = "connector-controller";
  std::string lease_namespace;  // Empty: our own.
  election::LeaseTimes lease_times;
  probe::ProbeOptions probes;
  status::ProbeRules probe_rules;
  int workers = 16;
  log::Level log_level = log::Level::kInfo;
};

// Reads and checks the file. With problems, `out` is not to be used.
[[nodiscard]] std::vector<config::Problem> LoadOptions(const std::string& path,
                                                       ControllerOptions& out);

// What the start would find on this machine: certificates, and an address to listen on.
[[nodiscard]] std::vector<config::Problem> CheckMachine(const std::string& path,
                                                        const ControllerOptions& options);

}  // namespace connector::controller::app
