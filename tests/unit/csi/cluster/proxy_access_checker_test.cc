#include "csi/cluster/proxy_access_checker.h"

#include "tests/support/cpp/result_matchers.h"
#include "tests/support/cpp/run_task.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace connector::csi::cluster {
namespace {

using testing_support::HasError;
using testing_support::HasValue;
using testing_support::RunTask;

// Answers every review with `answer`, and keeps what was asked.
class GrantsTest : public ::testing::Test {
 protected:
  Result<bool> MayUse(const ConnectorRef& ref) {
    return RunTask(access_checker_.MayUse({"ci", "builder"}, ref, Deadline::max()));
  }
  Task<Result<boost::json::object>> Answer(boost::json::object body) {
    asked_.push_back(boost::json::serialize(body));
    co_return answer_;
  }

  std::vector<std::string> asked_;
  Result<boost::json::object> answer_ =
      boost::json::object{{"status", boost::json::object{{"allowed", true}}}};
  std::chrono::steady_clock::time_point now_{};
  ProxyAccessChecker access_checker_{
      [this](boost::json::object body, Deadline) { return Answer(std::move(body)); },
      [this] { return now_; }};
};

TEST_F(GrantsTest, AsksAsThePodsServiceAccount) {
  EXPECT_THAT(MayUse({"shared", "harbor"}), HasValue(true));
  EXPECT_EQ(
      asked_,
      (std::vector<std::string>{
          R"({"spec":{"user":"system:serviceaccount:ci:builder","groups":["system:serviceaccounts",)"
          R"("system:serviceaccounts:ci","system:authenticated"],"resourceAttributes":)"
          R"({"namespace":"shared","verb":"get","group":"oci-connector.dev","resource":"connectors",)"
          R"("subresource":"proxy","name":"harbor"}}})"}));
}

TEST_F(GrantsTest, RemembersAYesForAShortTime) {
  (void)MayUse({"shared", "harbor"});
  now_ += kAccessTtl - std::chrono::seconds(1);
  (void)MayUse({"shared", "harbor"});
  EXPECT_EQ(asked_.size(), 1U);

  now_ += std::chrono::seconds(1);
  (void)MayUse({"shared", "harbor"});
  EXPECT_EQ(asked_.size(), 2U);
}

TEST_F(GrantsTest, RemembersItForThatConnectorOnly) {
  (void)MayUse({"shared", "harbor"});
  (void)MayUse({"shared", "hub"});
  EXPECT_EQ(asked_.size(), 2U);
}

TEST_F(GrantsTest, NeverRemembersANo) {
  answer_ = boost::json::object{{"status", boost::json::object{{"allowed", false}}}};
  EXPECT_THAT(MayUse({"shared", "harbor"}), HasValue(false));
  EXPECT_THAT(MayUse({"shared", "harbor"}), HasValue(false));
  EXPECT_EQ(asked_.size(), 2U);
}

TEST_F(GrantsTest, HandsOnThatTheApiDoesNotAnswer) {
  answer_ = MakeError(ErrorCode::kUnavailable, ErrorOrigin::kUpstream, "down", Retry::kSafe);
  EXPECT_THAT(MayUse({"shared", "harbor"}), HasError(ErrorCode::kUnavailable));
}

TEST_F(GrantsTest, TakesNothingForAYesThatDoesNotSaySo) {
  for (const char* json : {"{}", R"({"status":{}})", R"({"status":{"allowed":"true"}})"}) {
    answer_ = boost::json::parse(json).as_object();
    EXPECT_THAT(MayUse({"shared", "harbor"}), HasError(ErrorCode::kUnavailable)) << json;
  }
}

}  // namespace
}  // namespace connector::csi::cluster
