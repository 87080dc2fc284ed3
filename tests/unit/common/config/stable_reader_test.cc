#include "common/config/stable_reader.h"

#include <gtest/gtest.h>

#include <deque>
#include <string>

namespace connector::config {
namespace {

// Reads what a test lines up; the last text stays.
class StableReaderTest : public ::testing::Test {
 protected:
  // "": nothing is told.
  std::string Poll() {
    const auto* const reading = reader_.Poll();
    return reading == nullptr ? "" : *reading ? **reading : reading->error().message;
  }

  std::deque<Result<std::string>> readings_;
  StableReader<std::string> reader_{[this] {
    Result<std::string> next = readings_.front();
    if (readings_.size() > 1) {
      readings_.pop_front();
    }
    return next;
  }};
};

TEST_F(StableReaderTest, TellsWhatIsThereOnce) {
  readings_ = {std::string("a")};
  EXPECT_EQ(Poll(), "a");
  EXPECT_EQ(Poll(), "");

  readings_ = {std::string("b")};
  EXPECT_EQ(Poll(), "b");
}

TEST_F(StableReaderTest, TellsNothingWhileTheFileIsWritten) {
  readings_ = {std::string("half"), std::string("whole")};
  EXPECT_EQ(Poll(), "");
  EXPECT_EQ(Poll(), "whole");
}

TEST_F(StableReaderTest, TellsOnceThatTheFileCannotBeRead) {
  readings_ = {MakeError(ErrorCode::kNotFound, ErrorOrigin::kSelf, "no such file")};
  EXPECT_EQ(Poll(), "no such file");
  EXPECT_EQ(Poll(), "");
}

}  // namespace
}  // namespace connector::config
