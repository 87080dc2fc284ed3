#include "broker/authorization/authorize.h"

#include "tests/unit/broker/authorization/authorize_fixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace connector::broker::authorization {
namespace {

using api::HarborConnector;

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using namespace std::chrono_literals;

TEST_F(AuthorizeTest, AllowsWhatRbacAndARuleAllowAndNamesBoth) {
  Publish({HarborConnector("default", "harbor", kAuthorizeBuilder)});
  reviewer_.allowed = {"default/harbor"};

  const Authorization made = Ask(ConnectorRef{"default", "harbor"});

  EXPECT_FALSE(made.choice.refusal);
  EXPECT_EQ(made.choice.rule, "rbac,access[0]");
  EXPECT_EQ(made.right_checked_at, reviewer_.asked_at);
  EXPECT_EQ(reviewer_.last.token_key, "key");
  EXPECT_EQ(reviewer_.last.caller.Name(), caller_.Name());
}

TEST_F(AuthorizeTest, LeavesAConnectorWithoutRulesToRbacAlone) {
  Publish({Open("default", "harbor")});
  reviewer_.allowed = {"default/harbor"};

  EXPECT_EQ(Ask(ConnectorRef{"default", "harbor"}).choice.rule, "rbac");
}

TEST_F(AuthorizeTest, MakesAConnectorThatRbacDeniesLookAbsentWhateverItsRulesSay) {
  Publish({HarborConnector("default", "harbor", kAuthorizeBuilder), Open("default", "open")});
  const std::string absent = Ask(ConnectorRef{"default", "absent"}).choice.refusal->message;
  for (const char* name : {"harbor", "open"}) {
    const Authorization made = Ask(ConnectorRef{"default", name});

    ASSERT_TRUE(made.choice.refusal) << name;
    EXPECT_EQ(made.choice.entry, nullptr);
    EXPECT_EQ(made.choice.refusal->reason, v1::DENIAL_REASON_CONNECTOR_NOT_FOUND);
    std::string message = made.choice.refusal->message;
    message.replace(message.find(name), std::string(name).size(), "absent");
    EXPECT_EQ(message, absent);
    EXPECT_THAT(made.choice.refusal->detail, HasSubstr("RBAC does not let"));
  }
}

TEST_F(AuthorizeTest, TellsACallerWhomOnlyARuleDeniesThatItDoes) {
  Publish({HarborConnector("default", "harbor", kAuthorizeBuilder)});
  reviewer_.allowed = {"default/harbor"};

  EXPECT_EQ(Ask(ConnectorRef{"default", "harbor"}, "team-b/app").choice.refusal->reason,
            v1::DENIAL_REASON_ACCESS_DENIED);
  reviewer_.allowed.clear();
  EXPECT_EQ(Ask(ConnectorRef{"default", "harbor"}, "team-b/app").choice.refusal->reason,
            v1::DENIAL_REASON_CONNECTOR_NOT_FOUND);
}

TEST_F(AuthorizeTest, AsksForTheVerbOfEachActionOfTheRequest) {
  Publish({Open("default", "harbor")});
  reviewer_.allowed = {"default/harbor"};
  const auto verbs = [this](oci::ActionSet actions) {
    reviewer_.verbs.clear();
    EXPECT_FALSE(Ask(ConnectorRef{"default", "harbor"}, "a/b", actions).choice.refusal);
    return reviewer_.verbs;
  };

  EXPECT_THAT(verbs({oci::Action::kPull}), ElementsAre("get"));
  EXPECT_THAT(verbs({oci::Action::kPush}), ElementsAre("create"));
  EXPECT_THAT(verbs({oci::Action::kDelete}), ElementsAre("delete"));
  EXPECT_THAT(verbs({oci::Action::kPull, oci::Action::kPush}), ElementsAre("get", "create"));
  EXPECT_THAT(verbs({oci::Action::kPull, oci::Action::kPush, oci::Action::kDelete}),
              ElementsAre("get", "create", "delete"));
}

TEST_F(AuthorizeTest, AsksForTheVerbsOfAllScopesTogether) {
  Publish({Open("default", "harbor")});
  reviewer_.allowed = {"default/harbor"};
  AccessRequest request{catalog_.Current(), ConnectorRef{"default", "harbor"}, caller_, "key", {}};
  request.scopes = {{"a/b", {oci::Action::kPush}}, {"c/d", {oci::Action::kPull}}};

  (void)testing_support::RunTask(Authorize(&reviewer_, std::move(request), Deadline::max()));

  EXPECT_THAT(reviewer_.verbs, ElementsAre("get", "create"));
}

// A cluster-reader: get, list and watch on everything.
TEST_F(AuthorizeTest, LetsWhoMayOnlyGetNeitherPushNorDeleteAndSaysWhichVerbIsMissing) {
  Publish({Open("default", "harbor"), HarborConnector("default", "ruled", kAuthorizeBuilder)});
  reviewer_.allowed = {"default/harbor", "default/ruled"};
  for (const std::string name : {"harbor", "ruled"}) {
    reviewer_.lacking = {"create default/" + name, "delete default/" + name};
    const ConnectorRef ref{"default", name};
    const Authorization push = Ask(ref, "team-a/app", {oci::Action::kPull, oci::Action::kPush});

    EXPECT_FALSE(Ask(ref).choice.refusal);
    ASSERT_TRUE(push.choice.refusal);
    EXPECT_EQ(push.choice.refusal->reason, v1::DENIAL_REASON_ACCESS_DENIED);
    EXPECT_THAT(push.choice.refusal->message, HasSubstr("the verb create on connectors/proxy"));
    EXPECT_THAT(push.choice.refusal->detail, HasSubstr("create connectors/proxy default/" + name));
    EXPECT_EQ(push.choice.entry->connector->ref, ref);
  }
  const Authorization removal =
      Ask(ConnectorRef{"default", "harbor"}, "team-a/app", {oci::Action::kDelete});
  EXPECT_FALSE(removal.choice.refusal) << "harbor lacks nothing now";
  reviewer_.lacking = {"delete default/harbor"};
  EXPECT_THAT(Ask(ConnectorRef{"default", "harbor"}, "team-a/app", {oci::Action::kDelete})
                  .choice.refusal->message,
              HasSubstr("the verb delete on connectors/proxy"));
}

TEST_F(AuthorizeTest, NeedsNoGetForWhatIsNoPull) {
  Publish({Open("default", "harbor")});
  reviewer_.allowed = {"default/harbor"};
  reviewer_.lacking = {"get default/harbor"};
  const ConnectorRef harbor{"default", "harbor"};

  EXPECT_FALSE(Ask(harbor, "a/b", {oci::Action::kDelete}).choice.refusal);
  reviewer_.lacking.insert("delete default/harbor");
  EXPECT_EQ(Ask(harbor, "a/b", {oci::Action::kDelete}).choice.refusal->reason,
            v1::DENIAL_REASON_CONNECTOR_NOT_FOUND);
}

TEST_F(AuthorizeTest, TakesTheMirrorsConnectorThatHasAllVerbs) {
  Publish({Open("a", "hub"), Open("b", "hub")});
  reviewer_.allowed = {"a/hub", "b/hub"};
  reviewer_.lacking = {"create a/hub"};
  const oci::ActionSet push{oci::Action::kPull, oci::Action::kPush};
  const auto ask = [&] { return Ask(MirrorRegistry{"harbor.example.com"}, "a/b", push).choice; };

  EXPECT_EQ(ask().entry->connector->ref.ToString(), "b/hub");
  reviewer_.lacking.insert("create b/hub");
  EXPECT_EQ(ask().refusal->reason, v1::DENIAL_REASON_ACCESS_DENIED);
  EXPECT_EQ(ask().entry->connector->ref.ToString(), "a/hub");
}

TEST_F(AuthorizeTest, CountsTheRightFromTheFirstOfItsReviews) {
  Publish({Open("default", "harbor")});
  reviewer_.allowed = {"default/harbor"};
  reviewer_.age_per_review = 3s;
  const oci::ActionSet push{oci::Action::kPull, oci::Action::kPush};

  EXPECT_EQ(Ask(ConnectorRef{"default", "harbor"}, "a/b", push).right_checked_at,
            testing_support::FakeClock::kStart - 3s);
}

TEST_F(AuthorizeTest, TakesATokenOfAConnectorForNoOther) {
  Publish({Open("default", "harbor"), Open("default", "hub")});
  reviewer_.allowed = {"default/harbor", "default/hub"};
  caller_.any_connector = false;
  caller_.connectors = {{"default", "hub"}};
  const auto refused = Ask(ConnectorRef{"default", "harbor"}).choice.refusal;

  EXPECT_FALSE(Ask(ConnectorRef{"default", "hub"}).choice.refusal);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->reason, v1::DENIAL_REASON_ACCESS_DENIED);
  EXPECT_THAT(refused->message, HasSubstr("audience ends in /default/harbor"));
  // A name that nobody has gets the same answer.
  EXPECT_EQ(Ask(ConnectorRef{"default", "absent"}).choice.refusal->reason,
            v1::DENIAL_REASON_ACCESS_DENIED);
  EXPECT_EQ(Ask(MirrorRegistry{"harbor.example.com"}).choice.entry->connector->ref.ToString(),
            "default/hub");
}

TEST_F(AuthorizeTest, WantsATokenOfItsOwnWhereTheConnectorSaysSo) {
  resource::Connector strict = Open("default", "harbor");
  strict.require_connector_audience = true;
  Publish({strict});
  reviewer_.allowed = {"default/harbor"};
  const auto wide = Ask(ConnectorRef{"default", "harbor"}).choice.refusal;

  ASSERT_TRUE(wide);
  EXPECT_EQ(wide->reason, v1::DENIAL_REASON_ACCESS_DENIED);
  EXPECT_THAT(wide->message, HasSubstr("audience ends in /default/harbor"));
  reviewer_.allowed.clear();  // Who may not know that it exists is not told so by this either.
  EXPECT_EQ(Ask(ConnectorRef{"default", "harbor"}).choice.refusal->reason,
            v1::DENIAL_REASON_CONNECTOR_NOT_FOUND);
  reviewer_.allowed = {"default/harbor"};
  caller_.connectors = {{"default", "harbor"}};
  EXPECT_FALSE(Ask(ConnectorRef{"default", "harbor"}).choice.refusal);
}

TEST_F(AuthorizeTest, PassesOverAConnectorThatWantsATokenOfItsOwnInTheMirrorForm) {
  resource::Connector strict = Open("default", "a-strict");
  strict.require_connector_audience = true;
  Publish({strict, Open("default", "open")});
  reviewer_.allowed = {"default/a-strict", "default/open"};
  EXPECT_EQ(Ask(MirrorRegistry{"harbor.example.com"}).choice.entry->connector->ref.ToString(),
            "default/open");

  Publish({strict});
  const auto refused = Ask(MirrorRegistry{"harbor.example.com"}).choice.refusal;
  ASSERT_TRUE(refused);
  EXPECT_THAT(refused->message, HasSubstr("audience ends in /default/a-strict"));

  caller_.connectors = {{"default", "a-strict"}};
  EXPECT_FALSE(Ask(MirrorRegistry{"harbor.example.com"}).choice.refusal);
}

TEST_F(AuthorizeTest, AsksNobodyWhereNoRuleSpeaksOfTheCallerOrNothingIsThere) {
  Publish({HarborConnector("default", "harbor", kNobodyOfUs)});

  EXPECT_EQ(Ask(ConnectorRef{"default", "harbor"}).choice.refusal->reason,
            v1::DENIAL_REASON_CONNECTOR_NOT_FOUND);
  EXPECT_TRUE(Ask(ConnectorRef{"default", "absent"}).choice.refusal);
  EXPECT_THAT(reviewer_.asked, IsEmpty());
}

TEST_F(AuthorizeTest, DeniesWithARetryWhenTheClusterCannotBeAsked) {
  Publish({HarborConnector("default", "harbor", kAuthorizeBuilder)});
  reviewer_.allowed = {"default/harbor"};
  reviewer_.error = MakeError(ErrorCode::kUnavailable, ErrorOrigin::kUpstream, "no connection");

  const Authorization made = Ask(ConnectorRef{"default", "harbor"});

  ASSERT_TRUE(made.choice.refusal);
  EXPECT_EQ(made.choice.refusal->reason, v1::DENIAL_REASON_IDENTITY_UNAVAILABLE);
  EXPECT_GT(made.choice.refusal->retry_after, 0s);
  EXPECT_THAT(made.choice.refusal->message, Not(HasSubstr("harbor")));
}

TEST_F(AuthorizeTest, AsksAboutAMirrorsConnectorsOneByOneUntilOneIsAllowed) {
  Publish({Open("a", "hub"),
           Open("b", "hub"),
           Open("ci", "hub"),
           Open("d", "hub"),
           HarborConnector("e", "hub", kNobodyOfUs)});
  reviewer_.allowed = {"b/hub", "d/hub"};

  const Authorization made = Ask(MirrorRegistry{"harbor.example.com"});

  EXPECT_EQ(made.choice.entry->connector->ref.ToString(), "b/hub");
  EXPECT_THAT(reviewer_.asked, ElementsAre("ci/hub", "a/hub", "b/hub"));
}

TEST_F(AuthorizeTest, AsksAboutThoseThatTheRulesDenyAfterAllOthers) {
  Publish({HarborConnector("a", "hub", kAuthorizeBuilder), Open("b", "hub")});
  reviewer_.allowed = {"a/hub"};

  const Authorization made = Ask(MirrorRegistry{"harbor.example.com"}, "team-b/app");

  EXPECT_THAT(reviewer_.asked, ElementsAre("b/hub", "a/hub"));
  EXPECT_EQ(made.choice.refusal->reason, v1::DENIAL_REASON_ACCESS_DENIED);
}

TEST_F(AuthorizeTest, AsksAboutNoMoreThanABoundedNumberOfAMirrorsConnectors) {
  std::vector<resource::Connector> many;
  for (int i = 10; i < 60; ++i) {
    many.push_back(Open("team-" + std::to_string(i), "hub"));
  }
  Publish(many);
  reviewer_.allowed = {"team-59/hub"};

  const Authorization made = Ask(MirrorRegistry{"harbor.example.com"});

  EXPECT_EQ(made.choice.refusal->reason, v1::DENIAL_REASON_CONNECTOR_NOT_FOUND);
  EXPECT_EQ(reviewer_.asked.size(), kMaxAccessReviews);
}

TEST_F(AuthorizeTest, StopsAtAMirrorsConnectorAboutWhichThereIsNoAnswer) {
  Publish({Open("a", "hub"), Open("b", "hub")});
  reviewer_.error = MakeError(ErrorCode::kUnavailable, ErrorOrigin::kUpstream, "no connection");

  EXPECT_EQ(Ask(MirrorRegistry{"harbor.example.com"}).choice.refusal->reason,
            v1::DENIAL_REASON_IDENTITY_UNAVAILABLE);
  EXPECT_EQ(reviewer_.asked.size(), 1U);
}

TEST_F(AuthorizeTest, KnowsNoRbacWithoutAReviewer) {
  Publish({Open("default", "open"), HarborConnector("default", "harbor", kAuthorizeBuilder)});
  const auto ask = [this](const std::string& name) {
    AccessRequest request{catalog_.Current(), ConnectorRef{"default", name}, caller_, "", {}};
    request.scopes.push_back({"team-a/app", oci::ActionSet{oci::Action::kPull}});
    return testing_support::RunTask(Authorize(nullptr, std::move(request), Deadline::max()));
  };

  EXPECT_EQ(ask("harbor").choice.rule, "access[0]");
  EXPECT_EQ(ask("open").choice.refusal->reason, v1::DENIAL_REASON_CONNECTOR_NOT_FOUND);
}

}  // namespace
}  // namespace connector::broker::authorization
