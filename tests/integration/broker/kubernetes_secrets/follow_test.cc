#include "tests/integration/broker/kubernetes_secrets/secrets_test.h"

namespace connector::broker::secrets {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class KubeFollow : public KubeSecretsTest {
 protected:
  KubeFollow() { Grant(); }
};

TEST_F(KubeFollow, SeesARotationWithoutAsking) {
  PutSecret(robot_, "Opaque", one_);
  FollowRobot();
  ASSERT_TRUE(EventuallyState(GoodState(one_))) << State();
  const std::size_t asked = world().Count("get", 200);

  PutSecret(robot_, "Opaque", two_);

  EXPECT_TRUE(EventuallyState(GoodState(two_))) << State();
  EXPECT_EQ(world().Count("get", 200), asked);
  EXPECT_EQ(world().Count("watch", 200), 1U);
}

TEST_F(KubeFollow, SaysThatThereIsNoneUntilThereIsOne) {
  FollowRobot();
  ASSERT_TRUE(EventuallyState(HasSubstr("there is no Secret " + ns_ + "/robot"))) << State();

  PutSecret(robot_, "Opaque", one_);

  EXPECT_TRUE(EventuallyState(GoodState(one_))) << State();
}

TEST_F(KubeFollow, SeesThatASecretIsDeletedAndMadeAnew) {
  PutSecret(robot_, "Opaque", one_);
  FollowRobot();
  ASSERT_TRUE(EventuallyState(GoodState(one_))) << State();

  RemoveSecret(robot_);
  EXPECT_TRUE(EventuallyState(HasSubstr("there is no Secret"))) << State();
  PutSecret(robot_, "Opaque", one_);

  EXPECT_TRUE(EventuallyState(GoodState(one_))) << State();
}

TEST_F(KubeFollow, SaysWhichKeyASecretHasLost) {
  PutSecret(robot_, "Opaque", one_);
  FollowRobot();
  ASSERT_TRUE(EventuallyState(GoodState(one_))) << State();

  PutSecret(robot_, "Opaque", {{"username", "u"}});

  EXPECT_TRUE(EventuallyState(HasSubstr("lacks the key password"))) << State();
}

TEST_F(KubeFollow, TakesAnotherLabelForNoChange) {
  PutSecret(robot_, "Opaque", one_);
  FollowRobot();
  ASSERT_TRUE(EventuallyState(GoodState(one_))) << State();

  PutSecret(robot_, "Opaque", one_, {{"team", "a"}});
  PutSecret(robot_, "Opaque", two_, {{"team", "a"}});
  ASSERT_TRUE(EventuallyState(GoodState(two_))) << State();
  PutSecret(robot_, "Opaque", one_, {{"team", "b"}});

  EXPECT_TRUE(EventuallyState(GoodState(one_))) << "the version is the content's: " << State();
}

TEST_F(KubeFollow, JudgesASecretForTheRegistryThatItIsFor) {
  PutSecret(robot_,
            "kubernetes.io/dockerconfigjson",
            {{".dockerconfigjson", R"({"auths":{"other.example.com":{"auth":"dTpw"}}})"}});
  FollowRobot();
  ASSERT_TRUE(EventuallyState(HasSubstr("has no entry for harbor.example.com"))) << State();

  FollowRobot("other.example.com");

  EXPECT_TRUE(KubeStoreWorld::Eventually([&] {
    return State("other.example.com").starts_with("good ");
  })) << State("other.example.com");
}

TEST_F(KubeFollow, KeepsACaBundleUpToDate) {
  const std::string first = testing_support::MakeCaPem();
  const std::string second = testing_support::MakeCaPem();
  PutSecret(bundle_, "Opaque", {{"ca.crt", first}});
  world().store().FollowNeeds({{bundle_, {}, true}});
  const auto pem = [&] { return world().Observed(bundle_).content.ca.pem(); };
  ASSERT_TRUE(KubeStoreWorld::Eventually([&] { return pem() == first; }));

  PutSecret(bundle_, "Opaque", {{"ca.crt", second}});
  EXPECT_TRUE(KubeStoreWorld::Eventually([&] { return pem() == second; }));

  PutSecret(bundle_, "Opaque", {{"ca.crt", "nonsense"}});
  EXPECT_TRUE(KubeStoreWorld::Eventually([&] { return pem().empty(); }));
  EXPECT_THAT(world().Observed(bundle_).content.ca_problem, HasSubstr("ca.crt"));
}

TEST_F(KubeFollow, LetsGoOfWhatNobodyNeeds) {
  PutSecret(robot_, "Opaque", one_);
  FollowRobot();
  ASSERT_TRUE(EventuallyState(GoodState(one_))) << State();

  world().store().FollowNeeds({});

  EXPECT_EQ(world().store().Status().followed, 0U);
  EXPECT_EQ(State(), "unknown");
}

TEST_F(KubeFollow, CountsWhatItKnows) {
  PutSecret(robot_, "Opaque", one_);
  world().store().FollowNeeds({{robot_, {{kRegistry}}, false}, {bundle_, {}, true}});

  EXPECT_TRUE(KubeStoreWorld::Eventually([&] {
    const KubeStoreStatus status = world().store().Status();
    return status.followed == 2 && status.unusable == 1 && status.unknown == 0;
  }));
}

TEST_F(KubeFollow, GivesTwoBrokersOneVersion) {
  PutSecret(robot_, "Opaque", one_);
  KubeStoreWorld other(token_);
  other.store().FollowNeeds({{robot_, {{kRegistry}}, false}});
  FollowRobot();
  ASSERT_TRUE(EventuallyState(GoodState(one_))) << State();

  EXPECT_TRUE(KubeStoreWorld::Eventually(
      [&] { return other.Observed(robot_).content == world().Observed(robot_).content; }));
}

TEST_F(KubeFollow, WritesNoContentIntoTheLog) {
  PutSecret(robot_, "Opaque", {{"username", "u"}, {"password", "hunter2"}});
  FollowRobot();
  ASSERT_TRUE(EventuallyState(HasSubstr("good "))) << State();
  PutSecret(robot_, "Opaque", {{"password", "hunter2"}});
  ASSERT_TRUE(EventuallyState(HasSubstr("lacks the key username"))) << State();

  EXPECT_THAT(world().Log(),
              AllOf(::testing::Not(HasSubstr("hunter2")),
                    ::testing::Not(HasSubstr(Base64Encode("hunter2")))));
}

}  // namespace
}  // namespace connector::broker::secrets
