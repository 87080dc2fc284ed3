#include "common/base/locked_arena.h"
#include "common/grpc/credentials.h"
#include "common/grpc/log_route.h"
#include "common/log/log.h"
#include "common/program/program.h"
#include "controller/app/options.h"
#include "controller/app/wiring.h"

#include <unistd.h>

#include <string_view>
#include <utility>

namespace {

constexpr const char* kName = "connector-controller";
constexpr std::string_view kUsage =
    "connector-controller: keeps the Service and status of every Connector in a cluster.\n"
    "\n"
    "usage: connector-controller --config FILE [--check]\n"
    "\n"
    "  --config FILE  configuration in YAML; controller/README.md lists every key\n"
    "  --check        check the configuration and what it names on this machine, then exit\n"
    "\n"
    "exit codes: 0 stopped by SIGTERM or SIGINT, or the check passed; 1 could not run;\n"
    "2 wrong usage or configuration\n";

int Run(connector::controller::app::ControllerOptions options) {
  const sigset_t signals = connector::program::TakeOverSignals();
  connector::log::Logger logger(STDOUT_FILENO, kName, options.log_level);
  const connector::grpc_support::LogRoute route(logger);
  connector::controller::app::Controller controller(std::move(options), logger);
  return connector::program::Serve(controller, signals, logger);
}

}  // namespace

int main(int argc, char** argv) {
  connector::HardenProcess();
  connector::grpc_support::RequireTls13ForGrpc();
  return connector::program::Main<connector::controller::app::ControllerOptions>(
      argc,
      argv,
      {kName,
       kUsage,
       connector::controller::app::LoadOptions,
       Run,
       connector::controller::app::CheckMachine});
}
