#include "broker/api/operator_handler.h"

#include "common/log/log.h"
#include "tests/support/cpp/fake_audit_log.h"
#include "tests/support/cpp/fake_clock.h"
#include "tests/support/cpp/result_matchers.h"
#include "tests/support/cpp/root_keys.h"
#include "tests/support/cpp/run_task.h"
#include "tests/unit/broker/api/fakes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace connector::broker::api {
namespace {

using ::testing::HasSubstr;
using testing_support::HasError;
using testing_support::RunTask;

class OperatorTest : public ::testing::Test {
 protected:
  OperatorTest() {
    catalog_.Replace(
        SnapshotOf({EntryOf(HarborConnector("default", "harbor", {{"ci", "builder"}}))}));
    verifier_.Accept("builder-token", ServiceAccountCaller("ci", "builder", WallTime::max()));
  }
  static Task<v1::CheckConnectorResponse> Probe(
      std::shared_ptr<const connectors::CatalogEntry> entry, Deadline /*deadline*/) {
    v1::CheckConnectorResponse response;
    response.add_steps()->set_name("probed " + entry->connector->ref.ToString());
    co_return response;
  }
  v1::ExplainAccessResponse Explain(const v1::ExplainAccessRequest& request) {
    auto response = RunTask(handler_.Explain(request, "operator", Deadline::max()));
    EXPECT_TRUE(response.has_value());
    return response ? *response : v1::ExplainAccessResponse();
  }
  static v1::ExplainAccessRequest Pull(const std::string& repository) {
    return PullRequest<v1::ExplainAccessRequest>(repository);
  }

  connectors::Catalog catalog_;
  FakeVerifier verifier_;
  log::Logger log_{2, "test", log::Level::kError};
  Result<v1::CheckConnectorResponse> Check(const std::string& name,
                                           const std::string& peer = "operator") {
    v1::CheckConnectorRequest request;
    request.mutable_connector()->set_namespace_("default");
    request.mutable_connector()->set_name(name);
    return RunTask(handler_.Check(request, peer, Deadline::max()));
  }

  deny_list::ActiveDenyList deny_list_;
  testing_support::FakeAuditLog audit_;
  testing_support::FakeClock clock_;
  OperatorHandler handler_{
      {&catalog_, &verifier_, &OperatorTest::Probe, &log_, nullptr, &deny_list_, &audit_, &clock_}};
};

TEST_F(OperatorTest, ExplainNamesTheRuleThatAllows) {
  const v1::ExplainAccessResponse response = Explain(Pull("team-a/app"));

  EXPECT_TRUE(response.allowed());
  EXPECT_EQ(response.rule(), "access[0]");
  EXPECT_EQ(response.subject(), "system:serviceaccount:ci:builder");
}

TEST_F(OperatorTest, ExplainSaysWhyARuleDoesNotMatch) {
  const v1::ExplainAccessResponse response = Explain(Pull("team-b/app"));

  EXPECT_FALSE(response.allowed());
  EXPECT_EQ(response.rule(), "");
  EXPECT_THAT(response.reason(), HasSubstr("team-b/app"));
}

TEST_F(OperatorTest, ExplainNamesTheEntryOfTheDenyListWhateverRulesSay) {
  deny_list_.Replace(std::make_shared<const deny_list::DenyList>(
      std::vector<deny_list::DeniedEntry>{
          {deny_list::DeniedKind::kNamespace, "ci", {}, {}, "stolen laptop"}},
      WallTime{},
      testing_support::MakeRootKeys("r")));
  const v1::ExplainAccessResponse response = Explain(Pull("team-a/app"));

  EXPECT_FALSE(response.allowed());
  EXPECT_EQ(response.rule(), "");
  EXPECT_EQ(response.subject(), "system:serviceaccount:ci:builder");
  EXPECT_THAT(response.reason(), HasSubstr("the deny list has namespace \"ci\" (stolen laptop)"));
}

TEST_F(OperatorTest, ExplainTellsAnOperatorWhyATokenIsNotAccepted) {
  v1::ExplainAccessRequest request = Pull("team-a/app");
  request.set_caller_token("forged");

  EXPECT_FALSE(Explain(request).allowed());
  EXPECT_THAT(Explain(request).reason(), HasSubstr("signature is wrong"));
}

TEST_F(OperatorTest, ExplainSaysThatAConnectorDoesNotExist) {
  v1::ExplainAccessRequest request = Pull("team-a/app");
  request.mutable_connector()->set_name("absent");

  EXPECT_FALSE(Explain(request).allowed());
  EXPECT_THAT(Explain(request).reason(), HasSubstr("default/absent"));
}

TEST_F(OperatorTest, ExplainRefusesABadRequest) {
  EXPECT_THAT(RunTask(handler_.Explain(Pull("../x"), "operator", Deadline::max())),
              HasError(ErrorCode::kInvalidArgument));
}

TEST_F(OperatorTest, CheckProbesTheConnectorThatIsNamed) {
  const auto response = Check("harbor");

  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->steps(0).name(), "probed default/harbor");
  EXPECT_THAT(Check("absent"), HasError(ErrorCode::kNotFound));
}

TEST_F(OperatorTest, CheckIsRecordedBeforeTheSecretIsUsed) {
  ASSERT_TRUE(Check("harbor").has_value());
  EXPECT_THAT(Check("absent"), HasError(ErrorCode::kNotFound));

  const std::vector<auditlog::Event> events = audit_.events();
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].peer, "operator");
  EXPECT_EQ(events[0].connector, "default/harbor");
  EXPECT_EQ(events[0].scopes, "check");
  EXPECT_EQ(events[0].rule, "peers.operators");
  EXPECT_TRUE(events[0].allowed);
  EXPECT_EQ(events[1].reason, "CONNECTOR_NOT_FOUND");
  EXPECT_FALSE(events[1].allowed);
}

TEST_F(OperatorTest, CheckThatCannotBeRecordedIsNotMade) {
  audit_.SetBroken(true);
  EXPECT_THAT(Check("harbor"), HasError(ErrorCode::kUnavailable));
  EXPECT_THAT(Check("harbor"), HasError(ErrorCode::kUnavailable));

  audit_.SetBroken(false);
  EXPECT_TRUE(Check("harbor").has_value());
  EXPECT_EQ(audit_.events().size(), 1U);
}

TEST_F(OperatorTest, CheckIsRecordedOnceAMinuteForEachPeerAndConnector) {
  ASSERT_TRUE(Check("harbor").has_value());
  ASSERT_TRUE(Check("harbor").has_value());
  EXPECT_EQ(audit_.events().size(), 1U);

  ASSERT_TRUE(Check("harbor", "another").has_value());
  EXPECT_EQ(audit_.events().size(), 2U);

  clock_.Advance(kCheckRecordPeriod);
  ASSERT_TRUE(Check("harbor").has_value());
  EXPECT_EQ(audit_.events().size(), 3U);

  clock_.Advance(-std::chrono::seconds(1));
  ASSERT_TRUE(Check("harbor").has_value());
  EXPECT_EQ(audit_.events().size(), 4U) << "a clock that was set back hides none";
}

TEST_F(OperatorTest, CheckThatIsRefusedHidesNoLaterOne) {
  EXPECT_THAT(Check("later"), HasError(ErrorCode::kNotFound));
  EXPECT_THAT(Check("later"), HasError(ErrorCode::kNotFound));
  EXPECT_EQ(audit_.events().size(), 2U);

  catalog_.Replace(SnapshotOf({EntryOf(HarborConnector("default", "later", {{"ci", "builder"}}))}));
  ASSERT_TRUE(Check("later").has_value());

  EXPECT_EQ(audit_.events().size(), 3U);
}

}  // namespace
}  // namespace connector::broker::api
