#include "common/resource/names.h"

#include <gtest/gtest.h>

#include <string>

namespace connector::resource {
namespace {

TEST(IsDnsLabel, FollowsRfc1123) {
  for (const std::string& text : {std::string("a"), std::string("a-1"), std::string(63, 'a')}) {
    EXPECT_TRUE(IsDnsLabel(text)) << text;
  }
  for (const std::string& text : {std::string(),
                                  std::string("-a"),
                                  std::string("a-"),
                                  std::string("A"),
                                  std::string("a.b"),
                                  std::string("a_b"),
                                  std::string(64, 'a')}) {
    EXPECT_FALSE(IsDnsLabel(text)) << text;
  }
}

TEST(IsDnsSubdomain, JoinsLabels) {
  EXPECT_TRUE(IsDnsSubdomain("a.b-c.d"));
  for (const std::string& text : {std::string("a..b"),
                                  std::string("a."),
                                  std::string(".a"),
                                  std::string(),
                                  std::string(63, 'a') + "." + std::string(63, 'a') + "." +
                                      std::string(63, 'a') + "." + std::string(62, 'a')}) {
    EXPECT_FALSE(IsDnsSubdomain(text)) << text;
  }
}

TEST(PatternCanMatch, AcceptsWhatSomeRepositoryFits) {
  for (const char* pattern :
       {"a", "team-a/**", "**", "*", "*/app", "app-*", "a/**/b", "a*b*c", "v1.*", "a__*", "*--b"}) {
    EXPECT_TRUE(PatternCanMatch(pattern)) << pattern;
  }
}

TEST(PatternCanMatch, RefusesWhatNoRepositoryFits) {
  for (const std::string& pattern : {std::string(),
                                     std::string("Team/**"),
                                     std::string("a//b"),
                                     std::string("/a"),
                                     std::string("a/"),
                                     std::string("a**"),
                                     std::string("**a/b"),
                                     std::string("***"),
                                     std::string("-*"),
                                     std::string("*-"),
                                     std::string("a..*"),
                                     std::string("a___*"),
                                     std::string("a:latest"),
                                     std::string("a@sha256"),
                                     std::string("a b"),
                                     std::string(256, 'a')}) {
    EXPECT_FALSE(PatternCanMatch(pattern)) << pattern;
  }
}

}  // namespace
}  // namespace connector::resource
