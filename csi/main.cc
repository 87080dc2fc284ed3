#include "common/base/locked_arena.h"
#include "common/config/problem.h"
#include "common/grpc/log_route.h"
#include "common/log/log.h"
#include "common/service/arguments.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <string_view>
#include <utility>

#include "csi/app/options.h"
#include "csi/app/wiring.h"

namespace {

constexpr int kExitCannotRun = 1;
constexpr int kExitUsage = 2;

constexpr std::string_view kUsage =
    "connector-csi: mounts the configuration of registry clients into pods, with the pod's own\n"
    "token, and keeps it fresh. Runs on every node.\n"
    "\n"
    "usage: connector-csi --config FILE [--check]\n"
    "\n"
    "  --config FILE  configuration in YAML; csi/README.md lists every key\n"
    "  --check        read and check the configuration, then exit\n"
    "\n"
    "exit codes: 0 stopped by SIGTERM or SIGINT, or the check passed; 1 could not run;\n"
    "2 wrong usage or configuration\n";

// Before any thread starts: SIGTERM and SIGINT are then only seen by sigwait.
sigset_t TakeOverSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  return signals;
}

int Run(connector::csi::app::Options options) {
  const sigset_t signals = TakeOverSignals();
  ::umask(0077);  // The socket takes its mode from here: only root may call.
  connector::log::Logger logger(STDOUT_FILENO, "connector-csi", options.log_level);
  const connector::grpc_support::LogRoute route(logger);
  connector::csi::app::Driver driver(std::move(options), logger);
  const connector::Result<connector::Done> started = driver.Start();
  if (!started) {
    logger.Error("cannot start", {{"reason", started.error().message}});
    return kExitCannotRun;
  }
  int signal_number = 0;
  sigwait(&signals, &signal_number);
  driver.Stop();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  connector::HardenProcess();
  const connector::service::Arguments arguments = connector::service::ParseArguments(argc, argv);
  if (arguments.help || !arguments.valid) {
    std::fputs(kUsage.data(), arguments.help ? stdout : stderr);
    return arguments.help ? 0 : kExitUsage;
  }
  try {
    connector::csi::app::Options options;
    const auto problems = connector::csi::app::LoadOptions(arguments.config, options);
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
    std::fprintf(stderr, "connector-csi: %s\n", failure.what());
    return kExitCannotRun;
  }
}
