#include "common/program/runtime.h"

#include "common/async/block_on.h"
#include "tests/support/cpp/result_matchers.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/counter.h>

#include <string>
#include <vector>

namespace connector::program {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing_support::HasErrorMessage;
using testing_support::HasValue;

using Story = std::vector<std::string>;

class FakeComponent final : public Component {
 public:
  FakeComponent(std::string name, Story& story, bool starts = true)
      : name_(std::move(name)), story_(story), starts_(starts) {}

  [[nodiscard]] Result<Done> Start() override {
    story_.push_back("start " + name_);
    if (!starts_) {
      return MakeError(ErrorCode::kUnavailable, ErrorOrigin::kSelf, name_ + " cannot start");
    }
    return Done{};
  }
  void Stop(Deadline deadline) override {
    EXPECT_GT(deadline, std::chrono::steady_clock::now());
    story_.push_back("stop " + name_);
  }
  [[nodiscard]] std::vector<prometheus::MetricFamily> Metrics() const override {
    return {{name_ + "_gauge", "of a test", prometheus::MetricType::Gauge, {{}}}};
  }
  void AddReadiness(admin::Readiness& readiness) const override {
    readiness.reasons.push_back(name_ + " is not ready");
  }
  void AddStatus(admin::StatusReport& status) const override {
    status.sections.push_back({"Of " + name_, {}});
  }

 private:
  const std::string name_;
  Story& story_;
  const bool starts_;
};

// What the admin port answers.
std::string Get(std::uint16_t port, const std::string& path) {
  asio::io_context io;
  asio::ip::tcp::socket socket(io);
  boost::system::error_code ended;
  socket.connect({asio::ip::address_v4::loopback(), port});
  asio::write(socket, asio::buffer("GET " + path + " HTTP/1.1\r\nHost: t\r\n\r\n"));
  std::string answer;
  asio::read(socket, asio::dynamic_buffer(answer), ended);
  return answer;
}

class RuntimeTest : public ::testing::Test {
 protected:
  Story story_;
  log::Logger logger_{-1, "test", log::Level::kError};
  Runtime runtime_{{.program = "test", .admin_address = "127.0.0.1:0", .threads = 2}, logger_};
};

TEST_F(RuntimeTest, StartsInOrderAndStopsInTheReverseOnce) {
  FakeComponent first("first", story_);
  FakeComponent second("second", story_);

  EXPECT_THAT(runtime_.Start({&first, nullptr, &second}), HasValue(::testing::_));
  EXPECT_FALSE(runtime_.stopping());
  runtime_.Stop();
  runtime_.Stop();

  EXPECT_TRUE(runtime_.stopping());
  EXPECT_THAT(story_, ElementsAre("start first", "start second", "stop second", "stop first"));
}

TEST_F(RuntimeTest, StopsOnlyWhatHasStarted) {
  FakeComponent first("first", story_);
  FakeComponent second("second", story_, false);
  FakeComponent third("third", story_);

  EXPECT_THAT(runtime_.Start({&first, &second, &third}),
              HasErrorMessage(ErrorCode::kUnavailable, "second cannot start"));
  runtime_.Stop();

  EXPECT_THAT(story_, ElementsAre("start first", "start second", "stop first"));
}

TEST_F(RuntimeTest, StartsNothingWhereTheAdminPortCannotBeOpened) {
  FakeComponent component("component", story_);
  Runtime taken({.program = "test", .admin_address = "127.0.0.1:none"}, logger_);

  EXPECT_THAT(taken.Start({&component}),
              HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("127.0.0.1:none")));
  taken.Stop();

  EXPECT_THAT(story_, ElementsAre());
}

TEST_F(RuntimeTest, ShowsWhatTheComponentsTell) {
  FakeComponent first("first", story_);
  FakeComponent second("second", story_);
  prometheus::BuildCounter().Name("counted_total").Help("h").Register(runtime_.registry()).Add({});
  ASSERT_THAT(runtime_.Start({&first, &second}), HasValue(::testing::_));
  const std::uint16_t port = runtime_.admin_port();

  EXPECT_THAT(Get(port, "/readyz"),
              AllOf(HasSubstr("503"), HasSubstr("first is not ready\nsecond is not ready")));
  EXPECT_THAT(Get(port, "/metrics"),
              AllOf(HasSubstr("first_gauge"),
                    HasSubstr("second_gauge"),
                    HasSubstr("counted_total"),
                    HasSubstr("connector_test_build_info")));
  EXPECT_THAT(Get(port, "/status.json"),
              AllOf(HasSubstr("connector-test"), HasSubstr("Of first"), HasSubstr("Of second")));
  runtime_.Stop();  // While there are components.
}

TEST_F(RuntimeTest, RunsWhatComponentsSpawnUntilItIsStopped) {
  ASSERT_THAT(runtime_.Start({}), HasValue(::testing::_));
  auto answer = []() -> Task<int> { co_return 42; };
  EXPECT_EQ(BlockOn(runtime_.executor(), answer()), 42);
}

}  // namespace
}  // namespace connector::program
