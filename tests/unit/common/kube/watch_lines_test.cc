#include "common/kube/watch_lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace connector::kube {
namespace {

using ::testing::ElementsAre;

TEST(WatchLines, JoinsWhatComesByteByByte) {
  WatchLines lines;
  std::vector<std::string> seen;
  for (const char c : std::string_view("{\"a\":1}\r\n\n{\"b\":2}\nrest")) {
    ASSERT_TRUE(lines.Feed({&c, 1}, [&](std::string_view line) {
      seen.emplace_back(line);
      return true;
    }));
  }

  EXPECT_THAT(seen, ElementsAre("{\"a\":1}", "{\"b\":2}"));
}

TEST(WatchLines, FindsSeveralInOnePiece) {
  WatchLines lines;
  std::vector<std::string> seen;
  const auto keep = [&](std::string_view line) {
    seen.emplace_back(line);
    return true;
  };

  EXPECT_TRUE(lines.Feed("a\nb\nc", keep));
  EXPECT_TRUE(lines.Feed("d\n", keep));

  EXPECT_THAT(seen, ElementsAre("a", "b", "cd"));
}

TEST(WatchLines, StopsWhenItIsTold) {
  WatchLines lines;
  int calls = 0;

  EXPECT_FALSE(lines.Feed("a\nb\n", [&](std::string_view) {
    ++calls;
    return false;
  }));
  EXPECT_EQ(calls, 1);
}

TEST(WatchLines, RefusesALineThatIsTooLong) {
  const auto ignore = [](std::string_view) { return true; };
  WatchLines lines(4);

  EXPECT_TRUE(lines.Feed("abcd\n", ignore));
  EXPECT_FALSE(lines.Feed("abcde", ignore));

  WatchLines pieces(4);
  EXPECT_TRUE(pieces.Feed("abc", ignore));
  EXPECT_FALSE(pieces.Feed("de", ignore));
}

}  // namespace
}  // namespace connector::kube
