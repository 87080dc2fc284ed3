#include "common/program/machine_check.h"

#include "tests/support/cpp/scratch_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

namespace connector::program {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class MachineCheckTest : public ::testing::Test {
 protected:
  std::vector<std::string> Found() {
    std::vector<std::string> out;
    for (const config::Problem& problem : check_.Take()) {
      out.push_back(problem.path + ": " + problem.message);
    }
    return out;
  }

  testing_support::ScratchDir scratch_;
  const std::string path_ = scratch_.path();
  MachineCheck check_{"f.yaml"};
};

TEST_F(MachineCheckTest, FindsADirectoryThatIsNotThere) {
  check_.ReadableDirectory("a", path_);
  check_.ReadableDirectory("b", path_ + "/not/there");
  EXPECT_THAT(Found(),
              ElementsAre(HasSubstr("b: " + path_ + "/not/there cannot be read: No such")));
}

TEST_F(MachineCheckTest, FindsADirectoryThatCannotBeMadeAndLeavesNoneBehind) {
  check_.WritableDirectory("a", path_);
  check_.WritableDirectory("b", path_ + "/made");
  check_.WritableDirectory("c", "/proc/nope");
  EXPECT_THAT(Found(), ElementsAre(HasSubstr("c: /proc/nope cannot be written: ")));
  EXPECT_FALSE(std::filesystem::exists(path_ + "/made"));
}

TEST_F(MachineCheckTest, NamesTheFileThatCannotBeUsed) {
  check_.Usable("a", "a.crt", Done{});
  check_.Usable(
      "b", "b.crt", MakeError(ErrorCode::kInvalidArgument, ErrorOrigin::kSelf, "is empty"));
  EXPECT_THAT(Found(), ElementsAre("b: b.crt: is empty"));
}

TEST_F(MachineCheckTest, FindsAnAddressThatIsNotOfThisMachine) {
  check_.Listening("a", "127.0.0.1:0");
  check_.Listening("b", "192.0.2.1:0");
  EXPECT_THAT(Found(), ElementsAre(HasSubstr("b: 192.0.2.1:0 cannot be listened on: ")));
  EXPECT_THAT(check_.Take(), IsEmpty());
}

}  // namespace
}  // namespace connector::program
