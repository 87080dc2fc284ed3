#include "common/base/locked_arena.h"
#include "common/config/problem.h"
#include "common/grpc/credentials.h"
#include "common/grpc/log_route.h"
#include "common/log/log.h"
#include "common/service/arguments.h"
#include "controller/app/options.h"
#include "controller/app/wiring.h"

#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <string>
#include <string_view>

namespace {

constexpr std::string_view kUsage =
    "connector-controller: keeps the Service and status of every Connector in a cluster.\n"
    "\n"
    "usage: connector-controller --config FILE [--check]\n"
    "\n"
    "  --config FILE  configuration in YAML; controller/README.md lists every key\n"
    "  --check        read and check the configuration, then exit\n"
    "\n"
    "exit codes: 0 stopped by SIGTERM or SIGINT, or the check passed; 1 could not run;\n"
    "2 wrong usage or configuration\n";

int Run(const connector::controller::app::Options& options) {
  connector::log::Logger logger(STDOUT_FILENO, "connector-controller", options.log_level);
  // Blocked before any thread starts, so that only sigwait below sees them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);

  const connector::grpc_support::LogRoute route(logger);
  connector::controller::app::Controller controller(options, logger);
  const connector::Result<connector::Done> started = controller.Start();
  if (!started) {
    logger.Error("cannot start", {{"reason", started.error().message}});
    return 1;
  }
  int signal_number = 0;
  sigwait(&signals, &signal_number);
  controller.Stop();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  connector::HardenProcess();
  connector::grpc_support::RequireTls13ForGrpc();
  const connector::service::Arguments arguments = connector::service::ParseArguments(argc, argv);
  if (arguments.help || !arguments.valid) {
    std::fputs(kUsage.data(), arguments.help ? stdout : stderr);
    return arguments.help ? 0 : 2;
  }
  try {
    connector::controller::app::Options options;
    const auto problems = connector::controller::app::LoadOptions(arguments.config, options);
    if (!problems.empty()) {
      std::fprintf(stderr, "%s\n", connector::config::Format(problems).c_str());
      return 2;
    }
    if (arguments.check) {
      std::puts("the configuration is valid");
      return 0;
    }
    return Run(options);
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "connector-controller: %s\n", failure.what());
    return 1;
  }
}
