#include "broker/api/issue_token_handler.h"

#include "common/log/log.h"
#include "tests/support/cpp/chain_keys.h"
#include "tests/support/cpp/fake_audit_log.h"
#include "tests/support/cpp/fake_clock.h"
#include "tests/support/cpp/root_keys.h"
#include "tests/support/cpp/run_task.h"
#include "tests/unit/broker/api/fakes.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdio.h>

namespace connector::broker::api {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr std::chrono::seconds kMinute{60};

class IssueTokenTest : public ::testing::Test {
 protected:
  IssueTokenTest() {
    verifier_.Accept("builder-token",
                     ServiceAccountCaller("ci", "builder", clock_.Now() + 10 * kMinute));
    verifier_.Accept("stranger-token",
                     ServiceAccountCaller("ci", "stranger", clock_.Now() + 10 * kMinute));
    tokens_.SetNotAfter(clock_.Now() + 5 * kMinute);
    Publish({EntryOf(HarborConnector("default", "harbor", {{"ci", "builder"}}))});
  }
  ~IssueTokenTest() override { ::fclose(log_file_); }

  void Publish(const std::vector<std::shared_ptr<const connectors::CatalogEntry>>& entries) {
    catalog_.Replace(SnapshotOf(entries));
  }
  IssueTokenHandler Handler(audit::AuditLog* audit = nullptr) {
    return IssueTokenHandler({&catalog_,
                              &verifier_,
                              &tokens_,
                              audit == nullptr ? &audit_ : audit,
                              &clock_,
                              &log_,
                              [this](const IssueOutcome& outcome) { outcome_ = outcome; },
                              nullptr,
                              &deny_list_});
  }
  void Deny(const std::vector<deny_list::DeniedEntry>& entries) {
    deny_list_.Replace(std::make_shared<const deny_list::DenyList>(
        entries, clock_.Now(), testing_support::MakeRootKeys("r")));
  }
  v1::IssueTokenResponse Issue(const v1::IssueTokenRequest& request) {
    IssueTokenHandler handler = Handler();
    return testing_support::RunTask(
        handler.Handle(request, "spiffe://oci-connector.local/dataplane", Deadline::max()));
  }
  v1::Denial Denied(const v1::IssueTokenRequest& request) {
    const v1::IssueTokenResponse response = Issue(request);
    EXPECT_EQ(response.outcome_case(), v1::IssueTokenResponse::kDenial);
    return response.denial();
  }
  std::string Logged() {
    std::string text(65536, '\0');
    ::rewind(log_file_);
    text.resize(::fread(text.data(), 1, text.size(), log_file_));
    return text;
  }

  static v1::IssueTokenRequest Pull(const std::string& repository,
                                    const std::string& token = "builder-token") {
    auto request = PullRequest<v1::IssueTokenRequest>(repository);
    request.set_caller_token(token);
    request.set_request_id("r-1");
    request.set_client_address("10.0.0.7");
    return request;
  }
  static v1::IssueTokenRequest Mirror(const std::string& repository,
                                      const std::string& token = "builder-token") {
    v1::IssueTokenRequest request = Pull(repository, token);
    request.set_upstream_host("harbor.example.com");
    return request;
  }
  std::int64_t Seconds(WallTime time) {
    return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
  }

  testing_support::FakeClock clock_;
  connectors::Catalog catalog_;
  FakeVerifier verifier_;
  FakeTokens tokens_;
  testing_support::FakeAuditLog audit_;
  deny_list::ActiveDenyList deny_list_;
  FILE* log_file_ = ::tmpfile();
  log::Logger log_{::fileno(log_file_), "test", log::Level::kDebug};
  std::optional<IssueOutcome> outcome_;
};

TEST_F(IssueTokenTest, GrantsWhatARuleAllows) {
  const v1::IssueTokenResponse response = Issue(Pull("team-a/app"));

  ASSERT_TRUE(response.has_grant()) << response.ShortDebugString();
  const v1::Grant& grant = response.grant();
  EXPECT_EQ(grant.connector().namespace_() + "/" + grant.connector().name(), "default/harbor");
  EXPECT_EQ(grant.subject(), "system:serviceaccount:ci:builder");
  EXPECT_EQ(grant.secret_class(), v1::SECRET_CLASS_DERIVED);
  EXPECT_EQ(grant.credential().scheme(), v1::CREDENTIAL_SCHEME_BEARER);
  EXPECT_EQ(grant.credential().value(), "upstream-token");
  EXPECT_EQ(grant.credential().not_after().seconds(), Seconds(clock_.Now() + 5 * kMinute));
  EXPECT_EQ(grant.authorization_not_after().seconds(), Seconds(clock_.Now() + kMinute));
  EXPECT_EQ(grant.epoch(), catalog_.Current()->Find({"default", "harbor"})->epoch);
  EXPECT_EQ(outcome_->reason, v1::DENIAL_REASON_UNSPECIFIED);
}

TEST_F(IssueTokenTest, MintsInTheNameOfTheVerifiedSubject) {
  ASSERT_TRUE(Issue(Pull("team-a/app")).has_grant());

  EXPECT_EQ(tokens_.last_subject(), "system:serviceaccount:ci:builder");
}

TEST_F(IssueTokenTest, RecordsTheGrantWithTheRuleThatMatched) {
  Issue(Pull("team-a/app"));

  auditlog::Event expected;
  expected.time = clock_.Now();
  expected.request_id = "r-1";
  expected.client_address = "10.0.0.7";
  expected.peer = "spiffe://oci-connector.local/dataplane";
  expected.subject = "system:serviceaccount:ci:builder";
  expected.connector = "default/harbor";
  expected.scopes = "repository:team-a/app:pull";
  expected.allowed = true;
  expected.rule = "access[0]";
  expected.not_after = clock_.Now() + 5 * kMinute;
  EXPECT_THAT(audit_.events(), ::testing::ElementsAre(expected));
}

TEST_F(IssueTokenTest, RefusesWhomTheDenyListNamesBeforeAnythingIsMinted) {
  Deny({{deny_list::DeniedKind::kNamespace, "ci", {}, {}, "stolen laptop"}});

  const v1::Denial denial = Denied(Pull("team-a/app"));
  EXPECT_EQ(denial.reason(), v1::DENIAL_REASON_DENIED_BY_OPERATOR);
  EXPECT_EQ(denial.message(),
            "The operator of this installation has withdrawn your access; ask them.");
  EXPECT_EQ(denial.subject(), "system:serviceaccount:ci:builder");
  EXPECT_EQ(tokens_.calls(), 0U);
  ASSERT_THAT(audit_.events(), SizeIs(1));
  EXPECT_EQ(audit_.events()[0].reason, "DENIED_BY_OPERATOR");
  EXPECT_EQ(audit_.events()[0].detail, "the deny list has namespace \"ci\" (stolen laptop)");
  EXPECT_EQ(deny_list_.refused(deny_list::DeniedKind::kNamespace), 1U);
}

TEST_F(IssueTokenTest, RefusesADeniedCallerWhoOnlyAsksWhoItIs) {
  Deny({{deny_list::DeniedKind::kSubject, "system:serviceaccount:ci:builder"}});
  v1::IssueTokenRequest request;
  request.set_caller_token("builder-token");

  EXPECT_EQ(Denied(request).reason(), v1::DENIAL_REASON_DENIED_BY_OPERATOR);
}

TEST_F(IssueTokenTest, RefusesWhomTheDenyListNamesWhileATokenIsMinted) {
  tokens_.DuringGet([this] {
    Deny({{deny_list::DeniedKind::kSubject, "system:serviceaccount:ci:builder"}});
  });

  EXPECT_EQ(Denied(Pull("team-a/app")).reason(), v1::DENIAL_REASON_DENIED_BY_OPERATOR);
  EXPECT_FALSE(audit_.events().at(0).allowed);
}

TEST_F(IssueTokenTest, IssuesNothingToADataPlaneThatIsDeniedWhileATokenIsMinted) {
  tokens_.DuringGet([this] {
    Deny({{deny_list::DeniedKind::kDataplane, "spiffe://oci-connector.local/dataplane"}});
  });

  EXPECT_EQ(Denied(Pull("team-a/app")).reason(), v1::DENIAL_REASON_DENIED_BY_OPERATOR);
}

TEST_F(IssueTokenTest, NamesTheDenyListThatTheCallerWasCheckedAgainst) {
  EXPECT_EQ(Issue(Pull("team-a/app")).grant().deny_list(), "");
  Deny({{deny_list::DeniedKind::kSubject, "somebody else"}});

  EXPECT_THAT(Issue(Pull("team-a/app")).grant().deny_list(), Not(IsEmpty()));
  EXPECT_EQ(Issue(Pull("team-a/app")).grant().deny_list(), deny_list_.Current()->version());
}

TEST_F(IssueTokenTest, LetsTheRightEndWithTheCallersToken) {
  verifier_.Accept("builder-token",
                   ServiceAccountCaller("ci", "builder", clock_.Now() + kMinute / 2));

  EXPECT_EQ(Issue(Pull("team-a/app")).grant().authorization_not_after().seconds(),
            Seconds(clock_.Now() + kMinute / 2));
}

// An audit log whose disk is slow: a record is durable when the test says so.
class GatedAuditLog final : public audit::AuditLog {
 public:
  explicit GatedAuditLog(asio::io_context& io) : gate_(io, std::chrono::hours(1)) {}
  Task<Result<Done>> Append(auditlog::Event /*event*/) override {
    boost::system::error_code ignored;
    co_await gate_.async_wait(asio::redirect_error(kUseTask, ignored));
    co_return Done{};
  }
  void Open() { gate_.cancel(); }

 private:
  asio::basic_waitable_timer<std::chrono::steady_clock,
                             asio::wait_traits<std::chrono::steady_clock>,
                             Executor>
      gate_;
};

TEST_F(IssueTokenTest, AnswersOnlyAfterTheRecordIsDurable) {
  asio::io_context io;
  GatedAuditLog slow(io);
  IssueTokenHandler handler = Handler(&slow);
  std::optional<v1::IssueTokenResponse> answer;
  asio::co_spawn(io,
                 handler.Handle(Pull("team-a/app"), "peer", Deadline::max()),
                 [&](const std::exception_ptr&, v1::IssueTokenResponse response) {
                   answer = std::move(response);
                 });

  io.poll();
  EXPECT_EQ(tokens_.calls(), 1U);
  EXPECT_FALSE(answer.has_value());

  slow.Open();
  io.run();
  EXPECT_TRUE(answer.has_value() && answer->has_grant());
}

TEST_F(IssueTokenTest, IssuesNothingWithoutARecord) {
  audit_.SetBroken(true);

  const v1::IssueTokenResponse response = Issue(Pull("team-a/app"));

  EXPECT_EQ(response.denial().reason(), v1::DENIAL_REASON_AUDIT_UNAVAILABLE);
  EXPECT_GT(response.denial().retry_after().seconds(), 0);
  EXPECT_THAT(response.SerializeAsString(), Not(HasSubstr("upstream-token")));
}

TEST_F(IssueTokenTest, GivesOnePlainAnswerForEveryTokenItDoesNotAccept) {
  std::vector<std::string> answers;
  for (const char* why : {"signature is wrong", "expired", "another audience"}) {
    verifier_.FailWith(MakeError(ErrorCode::kUnauthenticated, ErrorOrigin::kClient, why));
    answers.push_back(Denied(Pull("team-a/app", "forged")).SerializeAsString());
    EXPECT_EQ(audit_.events().back().detail, why);
  }
  verifier_.Accept("", ServiceAccountCaller("ci", "builder", WallTime::max()));
  v1::IssueTokenRequest no_token = Pull("team-a/app", "");
  answers.push_back(Denied(no_token).SerializeAsString());

  EXPECT_EQ(outcome_->reason, v1::DENIAL_REASON_CALLER_UNAUTHENTICATED);
  EXPECT_THAT(answers, ::testing::Each(answers.front()));
  EXPECT_EQ(tokens_.calls(), 0U);
  EXPECT_EQ(audit_.events().back().reason, "CALLER_UNAUTHENTICATED");
}

TEST_F(IssueTokenTest, SaysWhenAnIssuerCannotBeAsked) {
  verifier_.FailWith(MakeError(ErrorCode::kUnavailable, ErrorOrigin::kUpstream, "no route"));

  const v1::Denial denial = Denied(Pull("team-a/app", "unknown"));

  EXPECT_EQ(denial.reason(), v1::DENIAL_REASON_IDENTITY_UNAVAILABLE);
  EXPECT_GT(denial.retry_after().seconds(), 0);
}

TEST_F(IssueTokenTest, MakesAnAbsentAndAForbiddenConnectorLookAlike) {
  const v1::Denial forbidden = Denied(Pull("team-a/app", "stranger-token"));
  Publish({});
  const v1::Denial absent = Denied(Pull("team-a/app", "stranger-token"));

  EXPECT_EQ(forbidden.reason(), v1::DENIAL_REASON_CONNECTOR_NOT_FOUND);
  EXPECT_EQ(forbidden.SerializeAsString(), absent.SerializeAsString());
  EXPECT_NE(audit_.events()[0].detail, audit_.events()[1].detail);
  EXPECT_EQ(audit_.events()[0].connector, "default/harbor");
}

TEST_F(IssueTokenTest, DeniesWhatNoRuleAllowsWithASentence) {
  const v1::Denial denial = Denied(Pull("team-b/app"));

  EXPECT_EQ(denial.reason(), v1::DENIAL_REASON_ACCESS_DENIED);
  EXPECT_THAT(denial.message(), HasSubstr("team-b/app"));
  EXPECT_THAT(denial.message(), HasSubstr("harbor"));
  EXPECT_EQ(denial.connector().name(), "harbor");
  EXPECT_EQ(denial.subject(), "system:serviceaccount:ci:builder");
  EXPECT_EQ(tokens_.calls(), 0U);
  EXPECT_EQ(audit_.events().back().reason, "ACCESS_DENIED");
  EXPECT_FALSE(audit_.events().back().allowed);
}

TEST_F(IssueTokenTest, RecordsADenialThatTheMintCaused) {
  Error refused = MakeError(
      ErrorCode::kPermissionDenied, ErrorOrigin::kUpstream, "harbor.example.com refused the robot");
  tokens_.FailWith(refused);

  const v1::Denial denial = Denied(Pull("team-a/app"));

  EXPECT_EQ(denial.reason(), v1::DENIAL_REASON_UPSTREAM_REFUSED);
  EXPECT_EQ(denial.message(),
            "harbor.example.com refused the robot; ask its owner to check it with connectorctl "
            "check.");
  EXPECT_EQ(audit_.events().back().reason, "UPSTREAM_REFUSED");
  EXPECT_EQ(audit_.events().back().not_after, WallTime{});
}

TEST_F(IssueTokenTest, RefusesABadRequestAndRecordsIt) {
  v1::IssueTokenRequest request = Pull("../etc");
  const v1::Denial denial = Denied(request);

  EXPECT_EQ(denial.reason(), v1::DENIAL_REASON_INVALID_REQUEST);
  EXPECT_EQ(audit_.events().back().reason, "INVALID_REQUEST");
  EXPECT_EQ(audit_.events().back().request_id, "r-1");
}

TEST_F(IssueTokenTest, OnlyVerifiesTheCallerWithoutATarget) {
  v1::IssueTokenRequest request;
  request.set_caller_token("stranger-token");

  const v1::IssueTokenResponse response = Issue(request);

  EXPECT_EQ(response.grant().subject(), "system:serviceaccount:ci:stranger");
  EXPECT_FALSE(response.grant().has_credential());
  EXPECT_EQ(tokens_.calls(), 0U);
  EXPECT_THAT(audit_.events(), SizeIs(1));
}

TEST_F(IssueTokenTest, GrantsAConnectorWithoutScopesButNoCredential) {
  v1::IssueTokenRequest request = Pull("team-a/app");
  request.clear_scopes();
  EXPECT_TRUE(Issue(request).has_grant());
  EXPECT_FALSE(Issue(request).grant().has_credential());

  request.set_caller_token("stranger-token");
  EXPECT_EQ(Denied(request).reason(), v1::DENIAL_REASON_CONNECTOR_NOT_FOUND);
}

TEST_F(IssueTokenTest, ForgetsATokenThatTheRegistryRefused) {
  v1::IssueTokenRequest request = Pull("team-a/app");
  Issue(request);
  EXPECT_THAT(tokens_.forgotten(), IsEmpty());

  request.set_mint_anew(true);
  Issue(request);
  EXPECT_THAT(tokens_.forgotten(),
              ::testing::ElementsAre("default/harbor repository:team-a/app:pull"));
}

TEST_F(IssueTokenTest, DoesNotIssueUnderARuleThatWasRemovedWhileItMinted) {
  tokens_.DuringGet([this] { Publish({EntryOf(HarborConnector("default", "harbor", {}))}); });

  EXPECT_EQ(Denied(Pull("team-a/app")).reason(), v1::DENIAL_REASON_CONNECTOR_NOT_FOUND);
}

TEST_F(IssueTokenTest, MintsAgainWhenTheSecretWasRotatedWhileItMinted) {
  const auto rotated = EntryOf(HarborConnector("default", "harbor", {{"ci", "builder"}}), "v2");
  tokens_.DuringGet([this, rotated] { Publish({rotated}); });

  const v1::IssueTokenResponse response = Issue(Pull("team-a/app"));

  EXPECT_EQ(response.grant().epoch(), rotated->epoch);
  EXPECT_EQ(tokens_.calls(), 2U);
}

TEST_F(IssueTokenTest, MintsOnceWhenARootKeyWasReplacedWhileItMinted) {
  const auto entry_under = [](const char* root_keys) {
    return EntryOf(HarborConnector("default", "harbor", {{"ci", "builder"}}),
                   "v1",
                   {},
                   testing_support::MakeRootKeys(root_keys));
  };
  const auto before = entry_under("r");
  Publish({before});
  tokens_.DuringGet([this, &entry_under] { Publish({entry_under("sr")}); });

  EXPECT_EQ(Issue(Pull("team-a/app")).grant().epoch(), before->epoch);
  EXPECT_EQ(tokens_.calls(), 1U);
}

TEST_F(IssueTokenTest, GivesUpOnAConnectorThatKeepsChanging) {
  int version = 1;
  tokens_.DuringGet([this, &version] {
    Publish({EntryOf(HarborConnector("default", "harbor", {{"ci", "builder"}}),
                     "v" + std::to_string(++version))});
  });

  const v1::Denial denial = Denied(Pull("team-a/app"));

  EXPECT_EQ(denial.reason(), v1::DENIAL_REASON_UPSTREAM_UNAVAILABLE);
  EXPECT_GT(denial.retry_after().seconds(), 0);
  EXPECT_EQ(tokens_.calls(), 2U);
}

TEST_F(IssueTokenTest, PrefersInTheMirrorFormTheCallersOwnNamespaceThenTheName) {
  const std::vector<std::pair<std::string, std::string>> builder = {{"ci", "builder"}};
  Publish({EntryOf(HarborConnector("aaa", "x", builder)),
           EntryOf(HarborConnector("ci", "z", builder)),
           EntryOf(HarborConnector("ci", "y", {{"ci", "another"}}))});

  EXPECT_EQ(Issue(Mirror("team-a/app")).grant().connector().name(), "z");

  Publish({EntryOf(HarborConnector("bbb", "x", builder)),
           EntryOf(HarborConnector("aaa", "x", builder))});
  EXPECT_EQ(Issue(Mirror("team-a/app")).grant().connector().namespace_(), "aaa");
}

TEST_F(IssueTokenTest, TellsDeniedFromAbsentInTheMirrorForm) {
  EXPECT_EQ(Denied(Mirror("team-b/app")).reason(), v1::DENIAL_REASON_ACCESS_DENIED);
  EXPECT_EQ(Denied(Mirror("team-a/app", "stranger-token")).reason(),
            v1::DENIAL_REASON_CONNECTOR_NOT_FOUND);
  v1::IssueTokenRequest elsewhere = Mirror("team-a/app");
  elsewhere.set_upstream_host("other.example.com");
  EXPECT_EQ(Denied(elsewhere).reason(), v1::DENIAL_REASON_CONNECTOR_NOT_FOUND);
}

TEST_F(IssueTokenTest, WritesNeitherTokenToLogOrAudit) {
  Issue(Pull("team-a/app"));
  Issue(Pull("team-b/app"));
  Issue(Pull("team-a/app", "a-forged-token"));

  std::string written = Logged();
  for (const auditlog::Event& event : audit_.events()) {
    auditlog::ChainPosition position;
    written += auditlog::FormatRecord(event, position, testing_support::ChainKeyOf());
  }
  EXPECT_THAT(written, HasSubstr("repository:team-b/app:pull")) << "the control";
  for (const char* token : {"upstream-token", "builder-token", "a-forged-token"}) {
    EXPECT_THAT(written, Not(HasSubstr(token)));
  }
}

}  // namespace
}  // namespace connector::broker::api
