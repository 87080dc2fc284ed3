#include "common/base/locked_arena.h"
#include "common/grpc/log_route.h"
#include "common/log/log.h"
#include "common/program/program.h"
#include "csi/app/options.h"
#include "csi/app/wiring.h"

#include <sys/stat.h>
#include <unistd.h>

#include <string_view>
#include <utility>

namespace {

constexpr const char* kName = "connector-csi";
constexpr std::string_view kUsage =
    "connector-csi: mounts the configuration of registry clients into pods, with the pod's own\n"
    "token, and keeps it fresh. Runs on every node.\n"
    "\n"
    "usage: connector-csi --config FILE [--check]\n"
    "\n"
    "  --config FILE  configuration in YAML; csi/README.md lists every key\n"
    "  --check        check the configuration and what it names on this machine, then exit\n"
    "\n"
    "exit codes: 0 stopped by SIGTERM or SIGINT, or the check passed; 1 could not run;\n"
    "2 wrong usage or configuration\n";

int Run(connector::csi::app::CsiOptions options) {
  const sigset_t signals = connector::program::TakeOverSignals();
  ::umask(0077);  // The socket takes its mode from here: only root may call.
  connector::log::Logger logger(STDOUT_FILENO, kName, options.log_level);
  const connector::grpc_support::LogRoute route(logger);
  connector::csi::app::Driver driver(std::move(options), logger);
  return connector::program::Serve(driver, signals, logger);
}

}  // namespace

int main(int argc, char** argv) {
  connector::HardenProcess();
  return connector::program::Main<connector::csi::app::CsiOptions>(
      argc,
      argv,
      {kName, kUsage, connector::csi::app::LoadOptions, Run, connector::csi::app::CheckMachine});
}
