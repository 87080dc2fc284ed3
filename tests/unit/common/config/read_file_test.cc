#include "common/config/read_file.h"

#include "tests/support/result_matchers.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace connector::config {
namespace {

using testing_support::HasError;
using testing_support::HasValue;

TEST(ReadFile, ReadsAFileUpToItsLimit) {
  const std::string path = ::testing::TempDir() + "/read_file_test.txt";
  std::ofstream(path) << "abcd";

  EXPECT_THAT(ReadFile(path, 4), HasValue(std::string("abcd")));
  EXPECT_THAT(ReadFile(path, 3), HasError(ErrorCode::kResourceExhausted));
  std::filesystem::remove(path);
}

TEST(ReadFile, RefusesWhatIsNoFile) {
  EXPECT_THAT(ReadFile(::testing::TempDir() + "/absent", 4), HasError(ErrorCode::kNotFound));
  EXPECT_THAT(ReadFile(::testing::TempDir(), 4), HasError(ErrorCode::kInvalidArgument));
  const std::string pipe = ::testing::TempDir() + "/read_file_test.pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THAT(ReadFile(pipe, 4), HasError(ErrorCode::kInvalidArgument));
  std::filesystem::remove(pipe);
}

}  // namespace
}  // namespace connector::config
