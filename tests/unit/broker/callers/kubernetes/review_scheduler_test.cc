#include "broker/callers/kubernetes/review_scheduler.h"

#include "tests/support/cpp/result_matchers.h"
#include "tests/support/cpp/review_stand_in.h"
#include "tests/support/cpp/run_task.h"

#include <boost/asio/co_spawn.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>

namespace connector::broker::callers {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing_support::HasError;
using testing_support::HasErrorMessage;
using testing_support::JsonObject;
using testing_support::ReviewStandIn;
using namespace std::chrono_literals;

class ReviewsTest : public ::testing::Test {
 protected:
  // Whoever waits holds what he waits for.
  ~ReviewsTest() override {
    api_.Release();
    io_.restart();
    io_.run();
  }
  void Make(FairQueueOptions options) {
    reviews_.emplace(api_.Post(), options, io_.get_executor(), [this](const ReviewReport& report) {
      reported_[std::string(ToString(report.result))]++;
    });
  }
  void Start(const std::string& workload, std::chrono::milliseconds timeout = 30s) {
    asio::co_spawn(io_,
                   reviews_->Ask(kube::kTokenReviews,
                                 workload,
                                 JsonObject(R"({"who":")" + workload + "\"}"),
                                 std::chrono::steady_clock::now() + timeout),
                   [this](const std::exception_ptr&, Result<boost::json::object> answer) {
                     answers_.push_back(std::move(answer));
                   });
  }
  // Runs what can be done without waiting.
  void Poll() {
    io_.restart();
    io_.poll();
  }

  asio::io_context io_;
  ReviewStandIn api_{[](const kube::ResourceType&, const boost::json::object&) {
    return JsonObject(R"({"status":{}})");
  }};
  std::map<std::string, int> reported_;
  std::vector<Result<boost::json::object>> answers_;
  std::optional<ReviewScheduler> reviews_;
};

TEST_F(ReviewsTest, AsksAndHandsTheAnswerOver) {
  Make({});
  Start("ci/builder");
  io_.run();

  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_TRUE(answers_[0]);
  EXPECT_EQ(reported_["answered"], 1);
}

TEST_F(ReviewsTest, LetsAQuietWorkloadPassBeforeTheRestOfANoisyOne) {
  Make({.per_second = 1000, .max_under_way = 1, .max_queued_per_workload = 100, .max_queued = 100});
  api_.Hold();
  for (int i = 0; i < 5; ++i) {
    Start("noisy");
  }
  Start("quiet");
  Poll();
  api_.Release();
  io_.restart();
  io_.run();

  std::vector<std::string> order;
  for (const auto& body : api_.asked()) {
    order.emplace_back(body.at("who").as_string());
  }
  EXPECT_THAT(order, ElementsAre("noisy", "noisy", "quiet", "noisy", "noisy", "noisy"));
}

TEST_F(ReviewsTest, RefusesARetryLaterWhenTooManyWait) {
  Make({.per_second = 1000, .max_under_way = 1, .max_queued_per_workload = 1, .max_queued = 10});
  api_.Hold();
  Start("noisy");
  Poll();
  Start("noisy");
  Poll();
  Start("noisy");
  Poll();

  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_THAT(answers_[0], HasErrorMessage(ErrorCode::kUnavailable, HasSubstr("noisy wait")));
  EXPECT_EQ(answers_[0].error().retry, Retry::kSafe);
  EXPECT_GE(answers_[0].error().retry_after, 1s);
  EXPECT_EQ(reported_["rejected"], 1);
  EXPECT_EQ(reviews_->queued(), 1U);
}

TEST_F(ReviewsTest, GivesUpWhenTheTurnDoesNotComeInTime) {
  Make({.per_second = 1000, .max_under_way = 1, .max_queued_per_workload = 9, .max_queued = 9});
  api_.Hold();
  Start("a", 30s);
  Poll();
  Start("b", 1ms);
  while (answers_.empty()) {
    io_.restart();
    io_.run_one();
  }

  EXPECT_THAT(answers_[0], HasErrorMessage(ErrorCode::kUnavailable, HasSubstr("in time")));
  EXPECT_EQ(reviews_->queued(), 0U);
  EXPECT_EQ(api_.count(), 1U);
  EXPECT_EQ(reported_["timed_out"], 1);
}

TEST_F(ReviewsTest, GivesItsPlaceToTheNextAlsoAfterAFailure) {
  Make({.per_second = 1000, .max_under_way = 1, .max_queued_per_workload = 9, .max_queued = 9});
  api_.SetDecide([](const kube::ResourceType&, const boost::json::object&) {
    return MakeError(ErrorCode::kUnavailable, ErrorOrigin::kUpstream, "no connection");
  });
  Start("a");
  Start("a");
  io_.run();

  ASSERT_EQ(answers_.size(), 2U);
  EXPECT_THAT(answers_[1], HasError(ErrorCode::kUnavailable));
  EXPECT_EQ(reported_["failed"], 2);
}

TEST_F(ReviewsTest, GoesOnByItselfWhenTheRateAllowsTheNext) {
  Make(
      {.per_second = 500, .max_under_way = 10, .max_queued_per_workload = 900, .max_queued = 2000});
  for (int i = 0; i < 510; ++i) {  // Ten more than the burst: those wait for the timer.
    Start("a");
  }
  io_.run();

  EXPECT_EQ(answers_.size(), 510U);
  EXPECT_EQ(reported_["answered"], 510);
}

}  // namespace
}  // namespace connector::broker::callers
