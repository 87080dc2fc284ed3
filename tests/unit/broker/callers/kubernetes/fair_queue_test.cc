#include "broker/callers/kubernetes/fair_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace connector::broker::callers {
namespace {

using ::testing::ElementsAre;
using namespace std::chrono_literals;

constexpr FairQueue::Time kStart{1000h};

FairQueueOptions Options(double per_second) {
  return {.per_second = per_second,
          .max_under_way = 1000,
          .max_queued_per_workload = 100,
          .max_queued = 1000};
}

// Takes all that may go at `now`.
std::vector<FairQueue::Ticket> Drain(FairQueue& queue, FairQueue::Time now) {
  std::vector<FairQueue::Ticket> tickets;
  while (const auto ticket = queue.Next(now)) {
    tickets.push_back(*ticket);
  }
  return tickets;
}

TEST(FairQueue, LetsABurstOfOneSecondGoAtOnceAndThenKeepsTheRate) {
  FairQueue queue(Options(10), kStart);
  for (int i = 0; i < 40; ++i) {
    EXPECT_EQ(queue.Join("a").joined, Joined::kQueued);
  }

  EXPECT_EQ(Drain(queue, kStart).size(), 10U);
  EXPECT_EQ(queue.NextAt(kStart), kStart + 100ms);
  EXPECT_EQ(Drain(queue, kStart + 99ms).size(), 0U);
  EXPECT_EQ(Drain(queue, kStart + 1s).size(), 10U);
  EXPECT_EQ(Drain(queue, kStart + 1h).size(), 10U);  // Nobody saves up more than a second.
}

TEST(FairQueue, TakesWorkloadsInTurnSoThatANoisyOneDelaysItselfAlone) {
  FairQueue queue(Options(1), kStart);
  for (int i = 0; i < 50; ++i) {
    (void)queue.Join("noisy");  // Tickets 1 to 50.
  }
  (void)queue.Join("quiet");   // 51
  (void)queue.Join("quiet");   // 52
  (void)queue.Join("modest");  // 53

  std::vector<FairQueue::Ticket> order;
  for (int second = 0; second < 6; ++second) {
    const auto next = queue.Next(kStart + std::chrono::seconds(second));
    ASSERT_TRUE(next);
    order.push_back(*next);
  }

  EXPECT_THAT(order, ElementsAre(1, 51, 53, 2, 52, 3));
}

TEST(FairQueue, RefusesMoreOfOneWorkloadThanMayWaitWhileOthersStillMay) {
  FairQueue queue(
      {.per_second = 1, .max_under_way = 1, .max_queued_per_workload = 2, .max_queued = 3}, kStart);

  EXPECT_EQ(queue.Join("noisy").joined, Joined::kQueued);
  EXPECT_EQ(queue.Join("noisy").joined, Joined::kQueued);
  EXPECT_EQ(queue.Join("noisy").joined, Joined::kWorkloadFull);
  EXPECT_EQ(queue.Join("quiet").joined, Joined::kQueued);
  EXPECT_EQ(queue.Join("modest").joined, Joined::kFull);
  EXPECT_EQ(queue.queued(), 3U);
}

TEST(FairQueue, RefusesMoreOfOneWorkloadThanMayWaitHoweverManyPlacesAreFree) {
  FairQueueOptions options = Options(1);
  options.max_queued_per_workload = 2;
  FairQueue queue(options, kStart);

  EXPECT_EQ(queue.Join("noisy").joined, Joined::kQueued);
  EXPECT_EQ(queue.Join("noisy").joined, Joined::kQueued);
  EXPECT_EQ(queue.Join("noisy").joined, Joined::kWorkloadFull);
  EXPECT_EQ(queue.Join("quiet").joined, Joined::kQueued);
}

TEST(FairQueue, HoldsBackWhileAsManyAreUnderWayAsMayBe) {
  FairQueue queue(
      {.per_second = 100, .max_under_way = 2, .max_queued_per_workload = 9, .max_queued = 9},
      kStart);
  for (int i = 0; i < 3; ++i) {
    (void)queue.Join("a");
  }

  EXPECT_EQ(Drain(queue, kStart).size(), 2U);
  EXPECT_EQ(queue.NextAt(kStart), std::nullopt);  // Time alone does not help.
  queue.End();
  EXPECT_EQ(Drain(queue, kStart).size(), 1U);
}

TEST(FairQueue, ForgetsWhoeverLeavesAndSaysWhetherItWasStillWaiting) {
  FairQueue queue(Options(1), kStart);
  (void)queue.Join("a");
  const FairQueue::Ticket second = queue.Join("b").ticket;
  const FairQueue::Ticket begun = *queue.Next(kStart);

  EXPECT_TRUE(queue.Leave(second));
  EXPECT_FALSE(queue.Leave(second));
  EXPECT_FALSE(queue.Leave(begun));
  EXPECT_EQ(queue.queued(), 0U);
  EXPECT_EQ(Drain(queue, kStart + 1h).size(), 0U);
}

TEST(FairQueue, SaysHowLongThoseThatWaitWillTake) {
  FairQueue queue(Options(10), kStart);
  for (int i = 0; i < 95; ++i) {
    (void)queue.Join("a");
  }

  EXPECT_EQ(queue.Backlog(), 10s);
  EXPECT_EQ(FairQueue(Options(10), kStart).Backlog(), 1s);
}

TEST(FairQueue, ServesClaimsThatNobodyVerifiedWhenNoVerifiedOneWaits) {
  FairQueue queue(Options(1), kStart);
  const auto first = queue.Join("x", Lane::kUnverified).ticket;
  const auto second = queue.Join("y", Lane::kUnverified).ticket;
  const auto verified = queue.Join("a").ticket;

  EXPECT_EQ(queue.Next(kStart), verified);
  EXPECT_EQ(queue.Next(kStart + 1s), first);
  const auto later = queue.Join("b").ticket;
  EXPECT_EQ(queue.Next(kStart + 2s), later);
  EXPECT_EQ(queue.Next(kStart + 3s), second);
}

TEST(FairQueue, KeepsPlacesFreeOfClaimsThatNobodyVerified) {
  FairQueueOptions options = Options(1000);
  options.max_unverified_under_way = 2;
  options.max_unverified_queued = 3;
  FairQueue queue(options, kStart);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(queue.Join("x" + std::to_string(i), Lane::kUnverified).joined, Joined::kQueued);
  }
  EXPECT_EQ(queue.Join("x9", Lane::kUnverified).joined, Joined::kFull);
  EXPECT_EQ(queue.Join("a").joined, Joined::kQueued);

  EXPECT_EQ(Drain(queue, kStart).size(), 3U);  // The verified one and two others.
  EXPECT_EQ(queue.NextAt(kStart), std::nullopt);
  queue.End(Lane::kVerified);
  EXPECT_EQ(Drain(queue, kStart).size(), 0U);
  queue.End(Lane::kUnverified);
  EXPECT_EQ(Drain(queue, kStart).size(), 1U);
}

TEST(FairQueue, GivesAWorkloadNoMorePlacesThanAreFree) {
  FairQueueOptions options = Options(1);
  options.max_queued_per_workload = 1000;
  options.max_queued = 100;
  FairQueue queue(options, kStart);
  const auto take_all = [&queue](const std::string& workload) {
    int places = 0;
    while (places < 1000 && queue.Join(workload).joined == Joined::kQueued) {
      ++places;
    }
    return places;
  };

  EXPECT_EQ(take_all("a"), 50);
  EXPECT_EQ(queue.Join("a").joined, Joined::kWorkloadFull);
  EXPECT_EQ(take_all("b"), 25);
  EXPECT_EQ(queue.Join("c").joined, Joined::kQueued);
}

}  // namespace
}  // namespace connector::broker::callers
