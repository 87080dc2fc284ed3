#pragma once

// The life of a service process, the same in all of them: read the command line, load the
// configuration, start, wait for SIGTERM or SIGINT, stop. What it starts is the program's own.

#include "common/base/result.h"
#include "common/config/problem.h"
#include "common/log/log.h"
#include "common/program/service_arguments.h"

#include <signal.h>

#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace connector::program {

inline constexpr int kExitCannotRun = 1;
inline constexpr int kExitUsage = 2;  // Wrong usage or configuration.

template <typename Options>
struct Program {
  const char* name = "";  // "connector-broker"
  std::string_view usage;
  std::vector<config::Problem> (*load)(const std::string& path, Options& out) = nullptr;
  int (*run)(Options) = nullptr;  // Its result is the exit code.
  // What the start would find on this machine (machine_check.h); of --check alone.
  std::vector<config::Problem> (*check)(const std::string& path, const Options&) = nullptr;
};

// Before any thread starts: SIGTERM, SIGINT and SIGHUP are then only seen by sigwait. A closed pipe
// and a file at its size limit are errors of the write, not the end of the process.
[[nodiscard]] sigset_t TakeOverSignals();

// Waits for one of TakeOverSignals that stops a program, and returns it. SIGHUP, which a terminal
// or a habit sends, stops none: it is logged.
[[nodiscard]] int WaitForStop(const sigset_t& signals, log::Logger& logger);

// Starts `served`, waits for one of `signals`, stops it. The exit code. Logs what is the same in
// all programs; `served` logs that it has started, with what an operator wants to know of it.
template <typename Served>
int Serve(Served& served, const sigset_t& signals, log::Logger& logger) {
  const Result<Done> started = served.Start();
  if (!started) {
    logger.Error("cannot start", {{"reason", started.error().message}});
    return kExitCannotRun;
  }
  logger.Info("stopping", {{"signal", WaitForStop(signals, logger)}});
  served.Stop();
  logger.Info("stopped");
  return 0;
}

// All of main.
template <typename Options>
int Main(int argc, char** argv, const Program<Options>& program) {
  const ServiceArguments arguments = ParseServiceArguments(argc, argv);
  if (arguments.help || !arguments.valid) {
    std::fputs(program.usage.data(), arguments.help ? stdout : stderr);
    return arguments.help ? 0 : kExitUsage;
  }
  try {
    Options options;
    std::vector<config::Problem> problems = program.load(arguments.config, options);
    if (problems.empty() && arguments.check && program.check != nullptr) {
      problems = program.check(arguments.config, options);
    }
    if (!problems.empty()) {
      std::fprintf(stderr, "%s\n", config::Format(problems).c_str());
      return kExitUsage;
    }
    if (arguments.check) {
      std::puts("the configuration is valid");
      return 0;
    }
    return program.run(std::move(options));
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "%s: %s\n", program.name, failure.what());
    return kExitCannotRun;
  }
}

}  // namespace connector::program
