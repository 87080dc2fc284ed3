#include "common/routing/host_pattern.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace connector::routing {
namespace {

TEST(ReadHostPattern, TakesNamesSuffixesAndAddresses) {
  EXPECT_EQ(ReadHostPattern("CDN.internal"), "cdn.internal");
  EXPECT_EQ(ReadHostPattern("*.S3.example.com"), "*.s3.example.com");
  EXPECT_EQ(ReadHostPattern("10.0.0.7"), "10.0.0.7");
  EXPECT_EQ(ReadHostPattern("fd00::7"), "fd00::7");
  EXPECT_EQ(ReadHostPattern("[fd00::7]"), "fd00::7");
}

TEST(ReadHostPattern, TakesNothingElse) {
  for (const char* text : {"",
                           "*",
                           "*.",
                           "https://a.example",
                           "a.example:443",
                           "a.example/x",
                           "*.[fd00::7]",
                           "a*.b"}) {
    EXPECT_EQ(ReadHostPattern(text), "") << text;
  }
}

TEST(IsListedHost, ComparesWholeNamesAndLabels) {
  const std::array<std::string, 2> hosts = {"cdn.internal", "*.s3.example.com"};
  EXPECT_TRUE(IsListedHost(hosts, "cdn.internal"));
  EXPECT_TRUE(IsListedHost(hosts, "a.b.s3.example.com"));
  EXPECT_FALSE(IsListedHost(hosts, "s3.example.com"));
  EXPECT_FALSE(IsListedHost(hosts, "xs3.example.com"));
  EXPECT_FALSE(IsListedHost(hosts, ".s3.example.com"));
  EXPECT_FALSE(IsListedHost(hosts, "xcdn.internal"));
  EXPECT_FALSE(IsListedHost(hosts, "a.cdn.internal"));
  EXPECT_FALSE(IsListedHost({}, "cdn.internal"));
}

}  // namespace
}  // namespace connector::routing
