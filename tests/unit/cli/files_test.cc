#include "cli/files.h"

#include "tests/support/cpp/result_matchers.h"
#include "tests/unit/cli/console_fixture.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

namespace connector::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using testing_support::HasError;
using testing_support::HasErrorMessage;
using testing_support::HasValue;

class Files : public InDirectory {
 protected:
  std::istringstream in_;
};

TEST_F(Files, AreReadWholeAndBounded) {
  EXPECT_THAT(ReadFile(Write("a", std::string("x\0y", 3))), HasValue(std::string("x\0y", 3)));
  EXPECT_THAT(ReadFile(Write("max", std::string(kMaxInputBytes, 'x'))),
              HasValue(std::string(kMaxInputBytes, 'x')));
  EXPECT_THAT(ReadFile(Write("over", std::string(kMaxInputBytes + 1, 'x'))),
              HasError(ErrorCode::kInvalidArgument));
  EXPECT_THAT(ReadFile(Path("none")), HasErrorMessage(ErrorCode::kNotFound, HasSubstr("none: ")));
  EXPECT_THAT(ReadFile(directory_.path()), HasError(ErrorCode::kInvalidArgument));
}

TEST_F(Files, AreReplacedWithExactlyTheModeAsked) {
  const std::string path = Write("key", "old");
  std::filesystem::permissions(path, std::filesystem::perms(0644));
  const mode_t mask = ::umask(0);
  EXPECT_TRUE(WriteFile(path, "new", kPrivateFile).has_value());
  EXPECT_EQ(Read(path), "new");
  EXPECT_EQ(Mode(path), 0600U);
  ::umask(0077);
  EXPECT_TRUE(WriteFile(path, "public", kPublicFile).has_value());
  EXPECT_EQ(Mode(path), 0644U);
  ::umask(mask);
}

TEST_F(Files, AreReplacedAsANewFileSoThatAReaderKeepsTheOldOne) {
  const std::string path = Write("key", "old");
  std::filesystem::create_hard_link(path, Path("reader"));
  EXPECT_TRUE(WriteFile(path, "new", kPrivateFile).has_value());
  EXPECT_EQ(Read(Path("reader")), "old");
}

TEST_F(Files, LeaveNothingBehindWhenTheyCannotBeWritten) {
  std::filesystem::create_directory(Path("taken"));
  Write("taken/file", "x");
  EXPECT_THAT(WriteFile(Path("taken"), "new", kPrivateFile), HasError(ErrorCode::kInvalidArgument));
  EXPECT_THAT(WriteFile(Path("none/file"), "new", kPrivateFile), HasError(ErrorCode::kNotFound));
  std::size_t entries = 0;
  for ([[maybe_unused]] const auto& entry :
       std::filesystem::directory_iterator(directory_.path())) {
    ++entries;
  }
  EXPECT_EQ(entries, 1U);
}

TEST_F(Files, GetTheirDirectoriesMade) {
  EXPECT_TRUE(MakeDirectory(Path("a/b"), kPrivateDirectory).has_value());
  EXPECT_EQ(Mode(Path("a/b")), 0700U);
  EXPECT_TRUE(MakeDirectory(Path("a/b"), kPrivateDirectory).has_value());
  Write("file", "");
  EXPECT_THAT(MakeDirectory(Path("file"), kPrivateDirectory),
              HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("not a directory")));
}

TEST_F(Files, TokensLoseTheWhiteSpaceAroundThem) {
  EXPECT_EQ(ReadToken(Write("t", "\n eyJ.a.b\r\n"), in_)->Reveal(), "eyJ.a.b");
  in_.str("eyJ.c.d\n");
  EXPECT_EQ(ReadToken("-", in_)->Reveal(), "eyJ.c.d");
}

TEST_F(Files, TokensAreOneWordAndAreNeverQuoted) {
  const auto refuses = [&](std::string_view content) {
    return ReadToken(Write("t", content), in_);
  };
  EXPECT_THAT(refuses(""), HasError(ErrorCode::kInvalidArgument));
  EXPECT_THAT(refuses(" \n"), HasError(ErrorCode::kInvalidArgument));
  EXPECT_THAT(refuses("hush hush"),
              HasErrorMessage(ErrorCode::kInvalidArgument,
                              AllOf(HasSubstr("more than one word"), Not(HasSubstr("hush")))));
  EXPECT_THAT(refuses("hush\x01"),
              HasErrorMessage(ErrorCode::kInvalidArgument, Not(HasSubstr("hush"))));
  EXPECT_TRUE(refuses(std::string(kMaxTokenBytes, 'a')).has_value());
  EXPECT_THAT(refuses(std::string(kMaxTokenBytes + 1, 'a')), HasError(ErrorCode::kInvalidArgument));
  in_.str(std::string(kMaxTokenBytes + 100, 'a'));
  EXPECT_THAT(ReadToken("-", in_), HasError(ErrorCode::kInvalidArgument));
}

}  // namespace
}  // namespace connector::cli
