// What the handlers of calls make of an authorization.

#include "broker/api/issue_token_handler.h"
#include "broker/api/operator_handler.h"
#include "broker/callers/token_key.h"
#include "common/log/log.h"
#include "tests/support/cpp/fake_audit_log.h"
#include "tests/unit/broker/authorization/authorize_fixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace connector::broker::authorization {
namespace {

using api::FakeTokens;
using api::FakeVerifier;
using api::HarborConnector;
using api::IssueOutcome;
using api::IssueTokenHandler;
using api::OperatorHandler;

using ::testing::HasSubstr;
using namespace std::chrono_literals;

// The handlers with a reviewer.
class HandlersWithRbacTest : public AuthorizeTest {
 protected:
  HandlersWithRbacTest() {
    caller_.expires_at = clock_.Now() + 1h;
    verifier_.Accept("builder-token", caller_);
    tokens_.SetNotAfter(clock_.Now() + 1h);
    Publish({HarborConnector("default", "harbor", kAuthorizeBuilder)});
    reviewer_.allowed = {"default/harbor"};
  }
  v1::IssueTokenResponse Issue() {
    v1::IssueTokenRequest request;
    request.mutable_connector()->set_namespace_("default");
    request.mutable_connector()->set_name("harbor");
    request.set_caller_token("builder-token");
    v1::Scope& scope = *request.add_scopes();
    scope.set_repository("team-a/app");
    scope.add_actions(v1::ACTION_PULL);
    IssueTokenHandler handler({&catalog_,
                               &verifier_,
                               &tokens_,
                               &audit_,
                               &clock_,
                               &log_,
                               [](const IssueOutcome&) {},
                               &reviewer_});
    return testing_support::RunTask(handler.Handle(request, "dataplane", Deadline::max()));
  }
  v1::ExplainAccessResponse Explain() {
    v1::ExplainAccessRequest request;
    request.mutable_connector()->set_namespace_("default");
    request.mutable_connector()->set_name("harbor");
    request.set_caller_token("builder-token");
    OperatorHandler handler({&catalog_, &verifier_, {}, &log_, &reviewer_});
    return *testing_support::RunTask(handler.Explain(request, "operator", Deadline::max()));
  }
  [[nodiscard]] std::chrono::seconds RightHolds(const v1::IssueTokenResponse& response) const {
    return std::chrono::seconds(response.grant().authorization_not_after().seconds()) -
           std::chrono::duration_cast<std::chrono::seconds>(clock_.Now().time_since_epoch());
  }

  testing_support::FakeClock clock_;
  FakeVerifier verifier_;
  FakeTokens tokens_;
  testing_support::FakeAuditLog audit_;
  log::Logger log_{2, "test", log::Level::kError};
};

TEST_F(HandlersWithRbacTest, GrantAndRecordThatRbacAndWhichRuleAllowed) {
  EXPECT_TRUE(Issue().has_grant());
  ASSERT_EQ(audit_.events().size(), 1U);
  EXPECT_EQ(audit_.events()[0].rule, "rbac,access[0]");
}

TEST_F(HandlersWithRbacTest, MintNothingWhenRbacDenies) {
  reviewer_.allowed.clear();

  EXPECT_EQ(Issue().denial().reason(), v1::DENIAL_REASON_CONNECTOR_NOT_FOUND);
  EXPECT_EQ(tokens_.calls(), 0U);
  EXPECT_THAT(audit_.events().at(0).detail, HasSubstr("RBAC does not let"));
}

TEST_F(HandlersWithRbacTest, CountTheRightFromWhenTheClusterWasAsked) {
  reviewer_.asked_at = clock_.Now();
  EXPECT_EQ(RightHolds(Issue()), 60s);

  clock_.Advance(9s);  // The answer was remembered meanwhile.
  EXPECT_EQ(RightHolds(Issue()), 51s);

  reviewer_.asked_at = clock_.Now();
  caller_.caller_checked_at = clock_.Now() - 7s;  // As was who the caller is.
  verifier_.Accept("builder-token", caller_);
  EXPECT_EQ(RightHolds(Issue()), 53s);
}

TEST_F(HandlersWithRbacTest, KeyWhatIsRememberedByTheWholeToken) {
  (void)Issue();

  EXPECT_EQ(reviewer_.last.token_key.size(), 32U);
  EXPECT_EQ(reviewer_.last.token_key, callers::TokenKey("builder-token"));
}

TEST_F(HandlersWithRbacTest, ExplainWhatRbacAndTheRulesSay) {
  EXPECT_TRUE(Explain().allowed());
  EXPECT_EQ(Explain().rule(), "rbac,access[0]");
  EXPECT_THAT(Explain().reason(), HasSubstr("RoleBinding"));

  reviewer_.allowed.clear();
  EXPECT_FALSE(Explain().allowed());
  EXPECT_THAT(Explain().reason(), HasSubstr("RBAC does not let"));
}

}  // namespace
}  // namespace connector::broker::authorization
