#include "tests/integration/broker/kubernetes_secrets/secrets_test.h"

namespace connector::broker::secrets {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing_support::HasError;
using testing_support::HasErrorMessage;

class KubeRights : public KubeSecretsTest {
 protected:
  KubeRights() { PutSecret(robot_, "Opaque", one_); }
};

constexpr const char* kRule =
    R"({apiGroups: [""], resources: [secrets], resourceNames: [robot], verbs: [get, watch]})";

TEST_F(KubeRights, NamesTheRuleThatIsMissing) {
  FollowRobot();

  EXPECT_TRUE(EventuallyState(AllOf(HasSubstr("may not get"), HasSubstr(kRule)))) << State();
  EXPECT_THAT(world().Fetch(robot_),
              HasErrorMessage(ErrorCode::kPermissionDenied, HasSubstr(kRule)));
}

TEST_F(KubeRights, GivesNothingOutThatItMayNotWatch) {
  Grant({"get"});
  FollowRobot();

  ASSERT_TRUE(EventuallyState(AllOf(HasSubstr("lacks the verb watch"), HasSubstr(kRule))))
      << State();
  EXPECT_THAT(world().Fetch(robot_),
              HasErrorMessage(ErrorCode::kPermissionDenied, HasSubstr("lacks the verb watch")));

  Grant();

  EXPECT_TRUE(EventuallyState(GoodState(one_))) << State();
  EXPECT_TRUE(world().Fetch(robot_).has_value());
}

TEST_F(KubeRights, TakesUpARightThatIsGivenLater) {
  FollowRobot();
  ASSERT_TRUE(EventuallyState(HasSubstr("may not get"))) << State();

  Grant();

  EXPECT_TRUE(EventuallyState(GoodState(one_))) << State();
}

TEST_F(KubeRights, GivesNothingOutOnceTheRightIsTakenAway) {
  Grant();
  FollowRobot();
  ASSERT_TRUE(EventuallyState(GoodState(one_))) << State();

  TakeAway();
  EXPECT_TRUE(KubeStoreWorld::Eventually([&] { return !world().Fetch(robot_).has_value(); }));
  EXPECT_THAT(world().Fetch(robot_), HasError(ErrorCode::kPermissionDenied));

  Grant();
  EXPECT_TRUE(KubeStoreWorld::Eventually([&] { return world().Fetch(robot_).has_value(); }));
}

TEST_F(KubeRights, NeedsNoMoreThanGetAndWatchOfTheName) {
  Grant();
  FollowRobot();

  ASSERT_TRUE(EventuallyState(GoodState(one_))) << State();
  EXPECT_EQ(server().Ask("GET", "/api/v1/namespaces/" + ns_ + "/secrets", "", token_).status, 403)
      << "the account may list nothing";
}

// Five ways to reach the Secret of another namespace. The account may read it there, so that only
// the broker stands in the way.
class KubeNamespaces : public KubeSecretsTest {
 protected:
  KubeNamespaces() {
    Grant();
    server().Grant(ns_, "broker", "all-secrets-" + ns_, All(), true);
    PutSecret(theirs_, "Opaque", one_);
    PutSecret({other_, "docker"},
              "kubernetes.io/dockerconfigjson",
              {{".dockerconfigjson", R"({"auths":{"harbor.example.com":{"auth":"dTpw"}}})"}});
  }
  static boost::json::array All() {
    return {boost::json::object{{"apiGroups", boost::json::array{""}},
                                {"resources", boost::json::array{"secrets"}},
                                {"verbs", boost::json::array{"get", "watch", "list"}}}};
  }

  const std::string other_ = server().NewNamespace("others");
  const SecretRef theirs_{other_, "robot-of-others"};
};

TEST_F(KubeNamespaces, KeepANameThatIsAPathInside) {
  for (const std::string& name : {other_ + "/robot-of-others",
                                  "../../" + other_ + "/secrets/robot-of-others",
                                  "..%2f..%2f" + other_ + "%2fsecrets%2frobot-of-others",
                                  other_ + "%2frobot-of-others",
                                  std::string("..")}) {
    const SecretRef ref{ns_, name};
    world().store().FollowNeeds({{ref, {{kRegistry}}, false}});

    EXPECT_THAT(world().Fetch(ref), HasError(ErrorCode::kInvalidArgument)) << name;
    EXPECT_THAT(world().Observed(ref).content.problem, HasSubstr("its own namespace")) << name;
  }
  EXPECT_EQ(world().Count("get", 200) + world().Count("get", 404) + world().Count("watch", 200), 0U)
      << "and the API was asked nothing";
}

TEST_F(KubeNamespaces, LookForANameInTheConnectorsNamespaceAlone) {
  for (const char* name : {"robot-of-others", "docker"}) {
    EXPECT_THAT(world().Fetch({ns_, name}), HasError(ErrorCode::kNotFound)) << name;
  }
}

TEST_F(KubeNamespaces, GiveAMovedConnectorNothingOfItsOldOne) {
  PutSecret(robot_, "Opaque", one_);
  FollowRobot();
  ASSERT_TRUE(EventuallyState(GoodState(one_))) << State();

  const SecretRef moved{other_, "robot"};
  world().store().FollowNeeds({{moved, {{kRegistry}}, false}});

  EXPECT_TRUE(KubeStoreWorld::Eventually([&] { return world().Observed(moved).known; }));
  EXPECT_THAT(world().Observed(moved).content.problem,
              HasSubstr("there is no Secret " + other_ + "/robot"));
  EXPECT_THAT(world().Fetch(moved), HasError(ErrorCode::kNotFound));
}

}  // namespace
}  // namespace connector::broker::secrets
