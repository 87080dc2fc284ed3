#include "broker/authorization/rbac_reviewer.h"

#include "tests/support/cpp/fake_clock.h"
#include "tests/support/cpp/result_matchers.h"
#include "tests/support/cpp/review_stand_in.h"
#include "tests/support/cpp/run_task.h"

#include <boost/asio/co_spawn.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace connector::broker::authorization {
namespace {

using testing_support::HasError;
using testing_support::JsonObject;
using testing_support::ReviewStandIn;
using namespace std::chrono_literals;

class RbacReviewerTest : public ::testing::Test {
 protected:
  static AccessQuestion Ask(const std::string& token_key = "key-1",
                            const ConnectorRef& connector = {"default", "harbor"},
                            oci::Action action = oci::Action::kPull) {
    callers::Caller caller;
    caller.subject = "system:serviceaccount:ci:builder";
    caller.service_account = callers::ServiceAccount{"ci", "builder"};
    return {caller, token_key, connector, action};
  }
  Result<AccessAnswer> MayUse(AccessQuestion question) {
    return testing_support::RunTask(
        io_, reviewer_->MayUse(std::move(question), std::chrono::steady_clock::now() + 10s));
  }
  void Answer(bool allowed) {
    api_.SetDecide([allowed](const kube::ResourceType&, const boost::json::object&) {
      return JsonObject(allowed ? R"({"status":{"allowed":true}})"
                                : R"({"status":{"allowed":false}})");
    });
  }

  asio::io_context io_;
  testing_support::FakeClock clock_;
  ReviewStandIn api_{[](const kube::ResourceType& type, const boost::json::object&) {
    EXPECT_EQ(type, kube::kSubjectAccessReviews);
    return JsonObject(R"({"status":{"allowed":true}})");
  }};
  callers::ReviewScheduler reviews_{api_.Post(), {}, io_.get_executor(), {}};
  int hits_ = 0;
  std::unique_ptr<AccessReviewer> reviewer_ =
      MakeRbacReviewer({.on_cache_hit = [this] { ++hits_; }}, reviews_, clock_);
};

TEST_F(RbacReviewerTest, SaysYesAndWhenItAsked) {
  const auto answer = MayUse(Ask());

  ASSERT_TRUE(answer);
  EXPECT_TRUE(answer->allowed);
  EXPECT_EQ(answer->asked_at, clock_.Now());
}

TEST_F(RbacReviewerTest, AsksAgainAfterTenSecondsAndNotBefore) {
  const WallTime first = clock_.Now();
  EXPECT_TRUE(MayUse(Ask())->allowed);
  Answer(false);
  clock_.Advance(9999ms);
  EXPECT_TRUE(MayUse(Ask())->allowed);
  EXPECT_EQ(MayUse(Ask())->asked_at, first);
  EXPECT_EQ(hits_, 2);
  clock_.Advance(1ms);
  EXPECT_FALSE(MayUse(Ask())->allowed);
  EXPECT_EQ(api_.count(), 2U);
}

TEST_F(RbacReviewerTest, RemembersANoForFiveSecondsAndNoLonger) {
  Answer(false);
  EXPECT_FALSE(MayUse(Ask())->allowed);
  Answer(true);
  clock_.Advance(4999ms);
  EXPECT_FALSE(MayUse(Ask())->allowed);
  clock_.Advance(1ms);
  EXPECT_TRUE(MayUse(Ask())->allowed);
}

TEST_F(RbacReviewerTest, TakesNoLongerTimesThanTheMaxima) {
  reviewer_ = MakeRbacReviewer({.positive = 1h, .negative = 1h}, reviews_, clock_);
  EXPECT_TRUE(MayUse(Ask())->allowed);
  clock_.Advance(10s);
  Answer(false);
  EXPECT_FALSE(MayUse(Ask())->allowed);
  clock_.Advance(5s);
  Answer(true);
  EXPECT_TRUE(MayUse(Ask())->allowed);
}

TEST_F(RbacReviewerTest, ConfusesNeitherTokensNorConnectorsNorVerbs) {
  EXPECT_TRUE(MayUse(Ask())->allowed);
  Answer(false);

  EXPECT_FALSE(MayUse(Ask("key-2"))->allowed);
  EXPECT_FALSE(MayUse(Ask("key-1", {"default", "harbor2"}))->allowed);
  EXPECT_FALSE(MayUse(Ask("key-1", {"defaul", "tharbor"}))->allowed);
  EXPECT_FALSE(MayUse(Ask("key-1", {"default", "harbor"}, oci::Action::kPush))->allowed);
  EXPECT_FALSE(MayUse(Ask("key-1", {"default", "harbor"}, oci::Action::kDelete))->allowed);
  EXPECT_TRUE(MayUse(Ask())->allowed);
}

TEST_F(RbacReviewerTest, AsksOnceForAThousandWhoComeAtOnce) {
  api_.Hold();
  int allowed = 0;
  for (int i = 0; i < 1000; ++i) {
    asio::co_spawn(io_,
                   reviewer_->MayUse(Ask(), std::chrono::steady_clock::now() + 10s),
                   [&allowed](const std::exception_ptr&, const Result<AccessAnswer>& answer) {
                     allowed += answer && answer->allowed ? 1 : 0;
                   });
  }
  io_.poll();
  api_.Release();
  io_.restart();
  io_.run();

  EXPECT_EQ(allowed, 1000);
  EXPECT_EQ(api_.count(), 1U);
}

TEST_F(RbacReviewerTest, HasNoAnswerAndRemembersNoneWhenTheApiServerIsAway) {
  for (const ErrorCode code : {ErrorCode::kUnavailable, ErrorCode::kPermissionDenied}) {
    api_.SetDecide([code](const kube::ResourceType&, const boost::json::object&) {
      return MakeError(code, ErrorOrigin::kUpstream, "away");
    });
    EXPECT_THAT(MayUse(Ask()), HasError(ErrorCode::kUnavailable));
  }
  Answer(true);
  EXPECT_TRUE(MayUse(Ask())->allowed);
}

}  // namespace
}  // namespace connector::broker::authorization
