#include "broker/api/serving_state.h"

#include <gtest/gtest.h>

namespace connector::broker::api {
namespace {

TEST(ServingState, AnswersCallsFromWhenTheResourcesWereRead) {
  ServingState state;
  EXPECT_FALSE(state.answers_calls());
  EXPECT_TRUE(state.EndpointOpened());
  EXPECT_FALSE(state.answers_calls());
  EXPECT_TRUE(state.ResourcesRead());
  EXPECT_TRUE(state.answers_calls());
}

TEST(ServingState, AnswersNoCallsWhileChangesAreNotSeen) {
  ServingState state;
  state.EndpointOpened();
  state.ResourcesRead();

  EXPECT_TRUE(state.SetBlind(true));
  EXPECT_FALSE(state.SetBlind(true)) << "nothing new";
  EXPECT_FALSE(state.answers_calls());

  EXPECT_TRUE(state.SetBlind(false));
  EXPECT_TRUE(state.answers_calls());
}

TEST(ServingState, AnswersCallsWhileItDrains) {
  ServingState state;
  state.EndpointOpened();
  state.ResourcesRead();

  EXPECT_TRUE(state.StopRequested());

  EXPECT_EQ(state.phase(), ServingPhase::kDraining);
  EXPECT_TRUE(state.answers_calls());
}

TEST(ServingState, NeverAnswersWhereItIsStoppedBeforeTheResourcesWereRead) {
  ServingState state;
  state.EndpointOpened();
  EXPECT_TRUE(state.StopRequested());

  EXPECT_FALSE(state.ResourcesRead()) << "too late";
  EXPECT_EQ(state.phase(), ServingPhase::kStopped);
  EXPECT_FALSE(state.answers_calls());
}

TEST(ServingState, IsNotOpenedAfterAStop) {
  ServingState state;
  EXPECT_TRUE(state.StopRequested());
  EXPECT_FALSE(state.EndpointOpened());
  EXPECT_EQ(state.phase(), ServingPhase::kStopped);
}

TEST(ServingState, NeedsAnOpenEndpointToServe) {
  ServingState state;
  EXPECT_FALSE(state.ResourcesRead());
  EXPECT_EQ(state.phase(), ServingPhase::kStarting);
}

TEST(ServingState, StopsOnce) {
  ServingState state;
  state.EndpointOpened();
  state.ResourcesRead();
  EXPECT_TRUE(state.StopRequested());
  EXPECT_FALSE(state.StopRequested());
}

TEST(ServingState, IsClosedBeforeItOpensAndFromTheStopOn) {
  ServingState state;
  EXPECT_TRUE(state.closed());
  state.EndpointOpened();
  EXPECT_FALSE(state.closed());
  state.ResourcesRead();
  EXPECT_FALSE(state.closed());
  state.StopRequested();
  EXPECT_TRUE(state.closed());
}

}  // namespace
}  // namespace connector::broker::api
