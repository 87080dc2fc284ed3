#include "broker/app/options.h"
#include "broker/app/wiring.h"
#include "common/base/locked_arena.h"
#include "common/config/problem.h"
#include "common/grpc/credentials.h"
#include "common/grpc/log_route.h"
#include "common/log/log.h"
#include "common/service/arguments.h"

#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <utility>

namespace {

constexpr int kExitCannotRun = 1;
constexpr int kExitUsage = 2;

constexpr std::string_view kUsage =
    "connector-broker: verifies callers, applies the access rules, and issues short-lived "
    "registry\n"
    "tokens to data planes.\n"
    "\n"
    "usage: connector-broker --config FILE [--check]\n"
    "\n"
    "  --config FILE  configuration in YAML; broker/README.md lists every key\n"
    "  --check        read and check the configuration, then exit\n"
    "\n"
    "exit codes: 0 stopped by SIGTERM or SIGINT, or the check passed; 1 could not run;\n"
    "2 wrong usage or configuration\n";

// Before any thread starts: SIGTERM and SIGINT are then only seen by sigwait. A closed pipe and a
// file at its size limit are errors of the write, not the end of the process.
sigset_t TakeOverSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);
  return signals;
}

int Run(connector::broker::app::Options options) {
  const sigset_t signals = TakeOverSignals();
  connector::log::Logger logger(STDOUT_FILENO, "connector-broker", options.log_level);
  const connector::grpc_support::LogRoute route(logger);
  connector::broker::app::Broker broker(std::move(options), logger);
  const connector::Result<connector::Done> started = broker.Start();
  if (!started) {
    logger.Error("cannot start", {{"reason", started.error().message}});
    return kExitCannotRun;
  }
  int signal_number = 0;
  sigwait(&signals, &signal_number);
  broker.Stop();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  connector::HardenProcess();
  connector::grpc_support::RequireTls13ForGrpc();
  const connector::service::Arguments arguments = connector::service::ParseArguments(argc, argv);
  if (arguments.help || !arguments.valid) {
    std::fputs(kUsage.data(), arguments.help ? stdout : stderr);
    return arguments.help ? 0 : kExitUsage;
  }
  try {
    connector::broker::app::Options options;
    const auto problems = connector::broker::app::LoadOptions(arguments.config, options);
    if (!problems.empty()) {
      std::fprintf(stderr, "%s\n", connector::config::Format(problems).c_str());
      return kExitUsage;
    }
    if (arguments.check) {
      std::puts("the configuration is valid");
      return 0;
    }
    return Run(std::move(options));
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "connector-broker: %s\n", failure.what());
    return kExitCannotRun;
  }
}
