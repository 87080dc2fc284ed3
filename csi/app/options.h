#pragma once

// CsiOptions: the driver's configuration with its defaults applied and its rules checked. The
// schema is proto/connector/config/v1/csi.proto.

#include "common/config/problem.h"
#include "common/log/log.h"
#include "csi/publish/assign_tokens.h"

#include <chrono>
#include <string>
#include <vector>

namespace connector::csi::app {

struct CsiOptions {
  std::string socket_path;
  std::string node_id;
  std::string pods_directory = "/var/lib/kubelet/pods";
  std::string driver_name = "connector-csi.oci-connector.dev";
  std::string admin_address;
  std::string kubeconfig_file;  // Empty: as a pod does.
  std::string kubeconfig_context;
  bool tls = false;
  std::string ca_file;
  std::vector<std::string> configurations = {"registry-config"};
  std::chrono::milliseconds publish_timeout{30000};
  publish::AudienceRules tokens;
  log::Level log_level = log::Level::kInfo;
};

// Reads and checks the file. With problems, `out` is not to be used.
[[nodiscard]] std::vector<config::Problem> LoadOptions(const std::string& path, CsiOptions& out);

// What the start would find on this machine: folders, and an address to listen on.
[[nodiscard]] std::vector<config::Problem> CheckMachine(const std::string& path,
                                                        const CsiOptions& options);

}  // namespace connector::csi::app
