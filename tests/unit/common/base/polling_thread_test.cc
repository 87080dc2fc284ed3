#include "common/base/polling_thread.h"

#include "tests/support/cpp/eventually.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>

namespace connector {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using testing_support::Eventually;

TEST(PollingThread, TakesTurnsUntilItIsStopped) {
  std::atomic<int> turns = 0;
  PollingThread thread;
  thread.Start(milliseconds(0), [&] {
    ++turns;
    return milliseconds(1);
  });
  EXPECT_TRUE(Eventually([&] { return turns >= 3; }));

  EXPECT_TRUE(thread.Stop());
}

TEST(PollingThread, BeginsAfterTheFirstPause) {
  std::atomic<int> turns = 0;
  std::atomic<std::chrono::steady_clock::duration> waited{};
  PollingThread thread;
  const auto begun = std::chrono::steady_clock::now();
  thread.Start(milliseconds(50), [&] {
    waited = std::chrono::steady_clock::now() - begun;
    ++turns;
    return milliseconds(hours(1));
  });

  EXPECT_TRUE(Eventually([&] { return turns == 1; }));
  EXPECT_GE(waited.load(), milliseconds(50));
}

TEST(PollingThread, EndsAPauseWhenItIsStopped) {
  std::atomic<int> turns = 0;
  PollingThread thread;
  thread.Start(milliseconds(0), [&] {
    ++turns;
    return milliseconds(hours(1));
  });
  ASSERT_TRUE(Eventually([&] { return turns == 1; }));

  EXPECT_TRUE(thread.Stop()) << "or this test takes an hour";
}

TEST(PollingThread, EndsAPauseWithinATurnWhenItIsStopped) {
  std::atomic<bool> began = false;
  std::atomic<bool> went_on = true;
  PollingThread thread;
  thread.Start(milliseconds(0), [&] {
    began = true;
    went_on = thread.Wait(hours(1));
    return milliseconds(0);
  });
  ASSERT_TRUE(Eventually([&] { return began.load(); }));

  EXPECT_TRUE(thread.Stop()) << "or this test takes an hour";

  EXPECT_FALSE(went_on);
}

TEST(PollingThread, WaitsForTheTurnUnderWay) {
  std::atomic<bool> began = false;
  std::atomic<bool> ended = false;
  PollingThread thread;
  thread.Start(milliseconds(0), [&] {
    began = true;
    while (!thread.stopping()) {
      std::this_thread::yield();
    }
    ended = true;
    return milliseconds(0);
  });
  ASSERT_TRUE(Eventually([&] { return began.load(); }));

  EXPECT_TRUE(thread.Stop());

  EXPECT_TRUE(ended);
}

TEST(PollingThread, StopsOnceAndWithoutAStart) {
  PollingThread never_started;
  EXPECT_FALSE(never_started.Stop());

  PollingThread thread;
  thread.Start(hours(1), [] { return milliseconds(0); });
  thread.RequestStop();
  EXPECT_TRUE(thread.stopping());
  EXPECT_TRUE(thread.Stop());
  EXPECT_FALSE(thread.Stop());
}

TEST(PollingThread, StopsWhenItsOwnerGoes) {
  std::atomic<int> turns = 0;
  auto thread = std::make_unique<PollingThread>();
  thread->Start(milliseconds(0), [&] {
    ++turns;
    return milliseconds(0);
  });
  EXPECT_TRUE(Eventually([&] { return turns >= 1; }));
  thread.reset();
}

}  // namespace
}  // namespace connector
