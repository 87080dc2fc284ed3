#include "common/program/program.h"

#include <pthread.h>

namespace connector::program {

sigset_t TakeOverSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);
  return signals;
}

int WaitForStop(const sigset_t& signals, log::Logger& logger) {
  int signal_number = 0;
  sigwait(&signals, &signal_number);
  while (signal_number == SIGHUP) {
    logger.Info(
        "nothing to do for SIGHUP: files that may change are read when they do, and a new "
        "configuration needs a restart");
    sigwait(&signals, &signal_number);
  }
  return signal_number;
}

}  // namespace connector::program
