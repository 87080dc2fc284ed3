#include "common/base/keyed_version.h"

#include <gtest/gtest.h>

namespace connector {
namespace {

TEST(SameVersion, NeedsOneDigestInCommon) {
  EXPECT_TRUE(SameVersion("aa", "aa"));
  EXPECT_TRUE(SameVersion(JoinVersions({"bb", "aa"}), "aa"));
  EXPECT_TRUE(SameVersion("aa", JoinVersions({"bb", "aa"})));
  EXPECT_TRUE(SameVersion(JoinVersions({"cc", "bb"}), JoinVersions({"bb", "aa"})));
  EXPECT_FALSE(SameVersion(JoinVersions({"cc", "dd"}), JoinVersions({"bb", "aa"})));
}

TEST(SameVersion, ComparesDigestsWhole) {
  EXPECT_FALSE(SameVersion("aa", "a"));
  EXPECT_FALSE(SameVersion("aa.b", "a.bb"));
  EXPECT_FALSE(SameVersion("", "aa"));
  EXPECT_FALSE(SameVersion("aa.", "bb."));
  EXPECT_TRUE(SameVersion("", ""));
}

}  // namespace
}  // namespace connector
