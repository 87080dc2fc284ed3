#include "controller/queue/work_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace connector::controller {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::Eq;
using ::testing::Optional;

const ConnectorRef kA{"ns", "a"};
const ConnectorRef kB{"ns", "b"};
constexpr WorkQueue::SteadyTime kNow{seconds(1000)};

TEST(WorkQueue, GivesAKeyOnceItIsDue) {
  WorkQueue queue;
  queue.Add(kA, kNow + seconds(1));

  EXPECT_EQ(queue.Take(kNow), std::nullopt);
  EXPECT_THAT(queue.NextDue(), Optional(kNow + seconds(1)));
  EXPECT_THAT(queue.Take(kNow + seconds(1)), Optional(kA));
}

TEST(WorkQueue, GivesTheOneThatWaitsLongestFirst) {
  WorkQueue queue;
  queue.Add(kA, kNow);
  queue.Add(kB, kNow - seconds(1));

  EXPECT_THAT(queue.Take(kNow), Optional(kB));
}

TEST(WorkQueue, HoldsAKeyOnceAtTheEarliestTime) {
  WorkQueue queue;
  queue.Add(kA, kNow);
  queue.Add(kA, kNow + seconds(9));

  EXPECT_EQ(queue.waiting(), 1U);
  EXPECT_THAT(queue.NextDue(), Optional(kNow));
}

TEST(WorkQueue, ReplacesATimeByALaterOne) {
  WorkQueue queue;
  queue.Add(kA, kNow);
  queue.Replace(kA, kNow + seconds(9));

  EXPECT_THAT(queue.NextDue(), Optional(kNow + seconds(9)));
}

TEST(WorkQueue, GivesAKeyToOneWorkerAtATime) {
  WorkQueue queue;
  queue.Add(kA, kNow);
  ASSERT_THAT(queue.Take(kNow), Optional(kA));
  queue.Add(kA, kNow);

  EXPECT_EQ(queue.Take(kNow), std::nullopt);
}

TEST(WorkQueue, GivesAKeyAgainThatWasAddedWhileItWasWorkedOn) {
  WorkQueue queue;
  queue.Add(kA, kNow);
  ASSERT_THAT(queue.Take(kNow), Optional(kA));
  queue.Add(kA, kNow + seconds(1));
  queue.Finish(kA);

  EXPECT_THAT(queue.Take(kNow + seconds(1)), Optional(kA));
}

TEST(WorkQueue, GivesAFinishedKeyNoMore) {
  WorkQueue queue;
  queue.Add(kA, kNow);
  ASSERT_THAT(queue.Take(kNow), Optional(kA));
  queue.Finish(kA);

  EXPECT_EQ(queue.Take(kNow + seconds(60)), std::nullopt);
}

TEST(WorkQueue, ForgetsAKeyAlsoWhileItIsWorkedOn) {
  WorkQueue queue;
  queue.Add(kA, kNow);
  queue.Add(kB, kNow);
  ASSERT_THAT(queue.Take(kNow), Optional(kA));
  queue.Add(kA, kNow);
  queue.Forget(kA);
  queue.Forget(kB);
  queue.Finish(kA);

  EXPECT_EQ(queue.Take(kNow), std::nullopt);
}

TEST(WorkQueue, ClearedStillKnowsWhatIsWorkedOn) {
  WorkQueue queue;
  queue.Add(kA, kNow);
  ASSERT_THAT(queue.Take(kNow), Optional(kA));
  queue.Clear();
  queue.Add(kA, kNow);

  EXPECT_EQ(queue.Take(kNow), std::nullopt);
}

}  // namespace
}  // namespace connector::controller
