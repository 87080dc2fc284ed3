#include "common/log/log.h"
#include "common/program/program.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <string>

namespace connector::program {
namespace {

TEST(TheProgram, IsNotStoppedBySighup) {
  sigset_t before;
  pthread_sigmask(SIG_BLOCK, nullptr, &before);
  const sigset_t signals = TakeOverSignals();
  std::array<int, 2> log{};
  ASSERT_EQ(::pipe2(log.data(), O_CLOEXEC), 0);
  log::Logger logger(log[1], "connector-test", log::Level::kInfo);
  ::raise(SIGHUP);
  ::raise(SIGTERM);

  EXPECT_EQ(WaitForStop(signals, logger), SIGTERM);

  std::array<char, 1024> said{};
  ASSERT_GT(::read(log[0], said.data(), said.size() - 1), 0);
  EXPECT_NE(std::string(said.data()).find("nothing to do for SIGHUP"), std::string::npos);
  ::close(log[0]);
  ::close(log[1]);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace
}  // namespace connector::program
