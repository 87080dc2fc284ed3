#include "tests/integration/broker/kubernetes_secrets/secrets_test.h"

namespace connector::broker::secrets {
namespace {

using ::testing::HasSubstr;
using testing_support::HasError;

// These stop the API server that all tests of this program share, and start it again.
class KubeOutage : public KubeSecretsTest {
 protected:
  KubeOutage() {
    Grant();
    PutSecret(robot_, "Opaque", one_);
    FollowRobot();
    EXPECT_TRUE(EventuallyState(GoodState(one_))) << State();
  }
};

TEST_F(KubeOutage, KeepsWhatIsKnownWhileTheApiIsAway) {
  server().Kill();
  EXPECT_TRUE(
      KubeStoreWorld::Eventually([&] { return !world().Observed(robot_).last_error.empty(); }));

  EXPECT_EQ(State(), GoodState(one_));
  EXPECT_THAT(world().Fetch(robot_, std::chrono::seconds(2)), HasError(ErrorCode::kUnavailable));
  EXPECT_EQ(world().store().Status().failing, 1U);

  server().Start();
  EXPECT_TRUE(KubeStoreWorld::Eventually(
      [&] { return world().Fetch(robot_, std::chrono::seconds(2)).has_value(); }));
}

TEST_F(KubeOutage, SeesWhatHappensAfterTheApiIsBack) {
  server().Kill();
  server().Start();

  PutSecret(robot_, "Opaque", two_);

  EXPECT_TRUE(EventuallyState(GoodState(two_))) << State();
}

TEST_F(KubeOutage, SeesWhatHappenedWhileItWasNotWatching) {
  // Our own connections are cut; the world goes on.
  server().Freeze();
  server().Thaw();
  server().Kill();
  server().Start();
  RemoveSecret(robot_);

  EXPECT_TRUE(EventuallyState(HasSubstr("there is no Secret"))) << State();
}

TEST_F(KubeOutage, BeginsAnewWhenItsPlaceInHistoryIsGone) {
  for (int i = 0; i < 5; ++i) {
    PutSecret(bundle_, "Opaque", {{"n", std::to_string(i)}});
  }
  server().Compact();
  server().Kill();
  server().Start();

  PutSecret(robot_, "Opaque", two_);

  EXPECT_TRUE(EventuallyState(GoodState(two_))) << State();
}

TEST_F(KubeOutage, BelievesNoSingleRefusal) {
  // A right that is taken away counts once the watch was refused twice; the API that starts refuses
  // all for a moment. What this shows is the end of it: refused for good, and given back.
  TakeAway();
  server().Kill();
  server().Start();
  EXPECT_TRUE(EventuallyState(HasSubstr("may not get"))) << State();

  Grant();

  EXPECT_TRUE(EventuallyState(GoodState(one_))) << State();
}

}  // namespace
}  // namespace connector::broker::secrets
