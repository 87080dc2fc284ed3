#include "broker/app/options.h"
#include "broker/app/wiring.h"
#include "common/base/locked_arena.h"
#include "common/grpc/credentials.h"
#include "common/grpc/log_route.h"
#include "common/log/log.h"
#include "common/program/program.h"

#include <unistd.h>

#include <string_view>
#include <utility>

namespace {

constexpr const char* kName = "connector-broker";
constexpr std::string_view kUsage =
    "connector-broker: verifies callers, applies the access rules, and issues short-lived "
    "registry\n"
    "tokens to data planes.\n"
    "\n"
    "usage: connector-broker --config FILE [--check]\n"
    "\n"
    "  --config FILE  configuration in YAML; broker/README.md lists every key\n"
    "  --check        check the configuration and what it names on this machine, then exit\n"
    "\n"
    "exit codes: 0 stopped by SIGTERM or SIGINT, or the check passed; 1 could not run;\n"
    "2 wrong usage or configuration\n";

int Run(connector::broker::app::BrokerOptions options) {
  const sigset_t signals = connector::program::TakeOverSignals();
  connector::log::Logger logger(STDOUT_FILENO, kName, options.log_level);
  const connector::grpc_support::LogRoute route(logger);
  connector::broker::app::Broker broker(std::move(options), logger);
  return connector::program::Serve(broker, signals, logger);
}

}  // namespace

int main(int argc, char** argv) {
  connector::HardenProcess();
  connector::grpc_support::RequireTls13ForGrpc();
  return connector::program::Main<connector::broker::app::BrokerOptions>(
      argc,
      argv,
      {kName,
       kUsage,
       connector::broker::app::LoadOptions,
       Run,
       connector::broker::app::CheckMachine});
}
