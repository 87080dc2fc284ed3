#include "common/config/read_file.h"

#include "tests/support/cpp/result_matchers.h"
#include "tests/support/cpp/scratch_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

namespace connector::config {
namespace {

using testing_support::HasError;
using testing_support::HasValue;

TEST(ReadFile, ReadsAFileUpToItsLimit) {
  const testing_support::ScratchDir scratch;
  const std::string path = scratch / "file";
  std::ofstream(path) << "abcd";

  EXPECT_THAT(ReadFile(path, 4), HasValue(std::string("abcd")));
  EXPECT_THAT(ReadFile(path, 3), HasError(ErrorCode::kResourceExhausted));
}

// As of a file that grew after it was opened: the kernel says that this one has no bytes.
TEST(ReadFile, ReadsAFileThatIsLongerThanItSays) {
  const Result<std::string> text = ReadFile("/proc/self/status", 65536);

  ASSERT_THAT(text, HasValue(::testing::HasSubstr("\nPid:")));
  EXPECT_THAT(ReadFile("/proc/self/status", text->size() / 2),
              HasError(ErrorCode::kResourceExhausted));
}

TEST(ReadFile, RefusesWhatIsNoFile) {
  const testing_support::ScratchDir scratch;
  EXPECT_THAT(ReadFile(scratch / "absent", 4), HasError(ErrorCode::kNotFound));
  EXPECT_THAT(ReadFile(scratch.path(), 4), HasError(ErrorCode::kInvalidArgument));
  const std::string pipe = scratch / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THAT(ReadFile(pipe, 4), HasError(ErrorCode::kInvalidArgument));
}

}  // namespace
}  // namespace connector::config
