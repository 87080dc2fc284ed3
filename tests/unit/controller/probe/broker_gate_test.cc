#include "controller/probe/broker_gate.h"

#include <gtest/gtest.h>

namespace connector::controller::probe {
namespace {

using std::chrono::seconds;

constexpr BrokerGate::SteadyTime kNow{seconds(1000)};

class BrokerGateTest : public ::testing::Test {
 protected:
  BrokerGate gate_{[] { return 0.0; }};
};

TEST_F(BrokerGateTest, IsOpenAtFirst) {
  EXPECT_EQ(gate_.Allowed(16, kNow), 16);
}

TEST_F(BrokerGateTest, IsClosedForAWhileAfterAFailure) {
  gate_.Failed(kNow);

  EXPECT_EQ(gate_.Allowed(16, kNow), 0);
  EXPECT_FALSE(gate_.available());
}

TEST_F(BrokerGateTest, LetsOneThroughToFindOut) {
  gate_.Failed(kNow);

  EXPECT_EQ(gate_.Allowed(16, kNow + seconds(1)), 1);
}

TEST_F(BrokerGateTest, WaitsLongerAfterEachFailureUpToALimit) {
  BrokerGate::SteadyTime now = kNow;
  for (int i = 0; i < 20; ++i) {
    gate_.Failed(now);
    now += seconds(15);
  }
  gate_.Failed(now);

  EXPECT_EQ(gate_.Allowed(16, now + seconds(14)), 0);
  EXPECT_EQ(gate_.Allowed(16, now + seconds(15)), 1);
}

TEST_F(BrokerGateTest, TakesFailuresTogetherForOne) {
  for (int i = 0; i < 16; ++i) {
    gate_.Failed(kNow);
  }

  EXPECT_EQ(gate_.Allowed(16, kNow + seconds(1)), 1);
}

TEST_F(BrokerGateTest, SaysOnceThatTheBrokersAreBack) {
  gate_.Failed(kNow);

  EXPECT_TRUE(gate_.Answered());
  EXPECT_FALSE(gate_.Answered());
  EXPECT_EQ(gate_.Allowed(16, kNow), 16);
}

}  // namespace
}  // namespace connector::controller::probe
