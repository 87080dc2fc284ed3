#include "dataplane/relay/request_slots.h"

#include <boost/asio/co_spawn.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace connector::dataplane::relay {
namespace {

using std::chrono::steady_clock;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::chrono::minutes kLong{10};

class RequestSlotsTest : public ::testing::Test {
 protected:
  using Slots = std::vector<std::unique_ptr<InFlightSlot>>;

  Slots TakeAll(const std::string& subject, std::uint32_t limit) {
    Slots held;
    while (true) {
      auto slot = std::make_unique<InFlightSlot>();
      if (!slot->Take(slots_.SubjectOf(subject), limit)) {
        return held;
      }
      held.push_back(std::move(slot));
    }
  }

  // Begins to wait; its end stands in `served_` or `refused_`.
  void Wait(const std::string& subject, std::uint32_t limit, Deadline deadline) {
    waiting_.push_back(std::make_unique<InFlightSlot>());
    asio::co_spawn(io_,
                   waiting_.back()->Wait(slots_.SubjectOf(subject), limit, deadline),
                   [this, subject](const std::exception_ptr&, bool served) {
                     (served ? served_ : refused_).push_back(subject);
                   });
    io_.restart();
    io_.poll();
  }

  asio::io_context io_;
  RequestSlots slots_;
  Slots waiting_;
  std::vector<std::string> served_;
  std::vector<std::string> refused_;
};

TEST_F(RequestSlotsTest, GiveOneSubjectSevenEighths) {
  const Slots held = TakeAll("builder", 256);

  EXPECT_EQ(held.size(), 224U);
  EXPECT_EQ(TakeAll("other", 256).size(), 28U);
}

TEST_F(RequestSlotsTest, GiveTheOnlyOneToWhoComes) {
  const Slots held = TakeAll("builder", 1);

  EXPECT_EQ(held.size(), 1U);
  EXPECT_THAT(TakeAll("other", 1), IsEmpty());
}

TEST_F(RequestSlotsTest, GiveTheNextOneToTheSubjectWithTheFewest) {
  Slots held = TakeAll("builder", 4);
  Slots others = TakeAll("other", 4);
  ASSERT_EQ(held.size() + others.size(), 4U);
  Wait("builder", 4, steady_clock::now() + kLong);
  Wait("nobody yet", 4, steady_clock::now() + kLong);

  held.pop_back();
  io_.poll();

  EXPECT_THAT(served_, ElementsAre("nobody yet"));
  held.clear();  // A slot outlives the wait for it.
  others.clear();
  io_.poll();
  EXPECT_THAT(served_, ElementsAre("nobody yet", "builder"));
}

TEST_F(RequestSlotsTest, RefuseWhoWaitedInVain) {
  const Slots held = TakeAll("builder", 1);

  Wait("other", 1, steady_clock::now());
  io_.run();

  EXPECT_THAT(refused_, ElementsAre("other"));
  EXPECT_EQ(slots_.taken(), 1U);
}

TEST_F(RequestSlotsTest, LetASubjectWaitInHalfOfThePlacesAlone) {
  Slots held = TakeAll("builder", 4);
  for (int i = 0; i < 3; ++i) {
    Wait("builder", 4, steady_clock::now() + kLong);
  }
  EXPECT_THAT(refused_, ElementsAre("builder")) << "two of four places are its share";

  held.clear();
  io_.poll();
  EXPECT_THAT(served_, ElementsAre("builder", "builder"));
}

TEST_F(RequestSlotsTest, ForgetASubjectThatNobodyHolds) {
  {
    const Slots held = TakeAll("builder", 8);
    EXPECT_EQ(slots_.subjects(), 1U);
  }

  EXPECT_EQ(slots_.subjects(), 0U);
  EXPECT_EQ(slots_.taken(), 0U);
}

TEST_F(RequestSlotsTest, AreNeverMoreThanTheLimitOverManyThreads) {
  constexpr std::uint32_t kLimit = 4;
  std::atomic<std::uint32_t> under_way{0};
  std::atomic<bool> too_many{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, subject = slots_.SubjectOf(std::to_string(t))] {
      for (int i = 0; i < 20'000; ++i) {
        InFlightSlot slot;
        if (slot.Take(subject, kLimit)) {
          too_many = too_many || ++under_way > kLimit;
          --under_way;
        }
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }

  EXPECT_FALSE(too_many);
  EXPECT_EQ(slots_.taken(), 0U);
}

// Every slot that is given back is noticed by somebody who waits.
TEST_F(RequestSlotsTest, ReachWhoWaitsOnAnotherThread) {
  constexpr int kRequests = 2'000;
  std::atomic<int> served{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&, subject = slots_.SubjectOf(std::to_string(t))] {
      asio::io_context io;
      const auto run = [&]() -> Task<void> {
        for (int i = 0; i < kRequests; ++i) {
          InFlightSlot slot;
          bool taken = slot.Take(subject, 2);
          if (!taken) {
            taken = co_await slot.Wait(subject, 2, steady_clock::now() + kLong);
          }
          served += taken ? 1 : 0;
        }
      };
      asio::co_spawn(io, run(), [](const std::exception_ptr&) {});
      io.run();
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }

  EXPECT_EQ(served, 3 * kRequests);
}

}  // namespace
}  // namespace connector::dataplane::relay
