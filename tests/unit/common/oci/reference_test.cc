#include "common/oci/reference.h"

#include <gtest/gtest.h>

#include <string>

namespace connector::oci {
namespace {

TEST(IsRepository, AcceptsTheSpecificationsGrammar) {
  for (const char* name : {"a",
                           "library/alpine",
                           "a.b",
                           "a_b",
                           "a__b",
                           "a---b",
                           "0/1/2/3/4/5/6/7/8",
                           "org/team.x/app-y",
                           "blobs/manifests/tags"}) {
    EXPECT_TRUE(IsRepository(name)) << name;
  }
}

TEST(IsRepository, RefusesEverythingElse) {
  for (const char* name :
       {"",     "/",  "a/", "/a",  "a//b",  "A",  "a.",     ".a",   "a..b", "a___b",
        "a._b", "-a", "a-", "a b", "a%2fb", "..", "a/../b", "a\\b", "a:b",  "\xC3\xA9"}) {
    EXPECT_FALSE(IsRepository(name)) << name;
  }
  EXPECT_TRUE(IsRepository(std::string(255, 'a')));
  EXPECT_FALSE(IsRepository(std::string(256, 'a')));
}

TEST(IsTag, FollowsTheSpecificationsGrammar) {
  EXPECT_TRUE(IsTag("v1.0_x-Y"));
  EXPECT_TRUE(IsTag("_"));
  EXPECT_TRUE(IsTag(std::string(128, 'a')));
  EXPECT_FALSE(IsTag(std::string(129, 'a')));
  EXPECT_FALSE(IsTag(""));
  EXPECT_FALSE(IsTag(".."));
  EXPECT_FALSE(IsTag("-a"));
  EXPECT_FALSE(IsTag("a/b"));
  EXPECT_FALSE(IsTag("a:b"));
}

TEST(IsDigest, WantsTheExactLengthOfKnownAlgorithms) {
  EXPECT_TRUE(IsDigest("sha256:" + std::string(64, 'a')));
  EXPECT_TRUE(IsDigest("sha512:" + std::string(128, '0')));
  EXPECT_TRUE(IsDigest("blake3+x:" + std::string(32, 'F')));
  EXPECT_FALSE(IsDigest("sha256:" + std::string(63, 'a')));
  EXPECT_FALSE(IsDigest("sha256:" + std::string(64, 'A')));
  EXPECT_FALSE(IsDigest("sha512:" + std::string(64, 'a')));
  EXPECT_FALSE(IsDigest("md5:" + std::string(31, 'a')));
  EXPECT_FALSE(IsDigest("sha256"));
  EXPECT_FALSE(IsDigest(":" + std::string(64, 'a')));
  EXPECT_FALSE(IsDigest("+x:" + std::string(64, 'a')));
}

TEST(Scope, IsWrittenAsTokenServicesReadIt) {
  EXPECT_EQ((Scope{"a/b", {Action::kPush, Action::kPull}}.ToString()), "repository:a/b:pull,push");
}

}  // namespace
}  // namespace connector::oci
