#include "dataplane/oci/no_echo.h"

#include "common/base/encoding.h"

#include <gtest/gtest.h>

#include <string>

namespace connector::dataplane::oci {
namespace {

TEST(NoEcho, FindsABearerTokenInAnyDress) {
  const NoEcho no_echo("eyJh/b+c=.d_e-f");
  EXPECT_TRUE(no_echo.Found("eyJh/b+c=.d_e-f"));
  EXPECT_TRUE(no_echo.Found("before eyJh/b+c=.d_e-f after"));
  EXPECT_TRUE(no_echo.Found("eyJh%2Fb%2bc%3D.d_e-f"));
  EXPECT_TRUE(no_echo.Found(R"("eyJh\/b\u002bc=.d_e-f")"));
  EXPECT_FALSE(no_echo.Found("eyJh/b+c=.d_e-"));
  EXPECT_FALSE(no_echo.Found(""));
}

TEST(NoEcho, FindsThePasswordInsideABasicCredential) {
  const NoEcho no_echo(Base64Encode("robot$ci:pa:ss\"w0rd"));
  EXPECT_TRUE(no_echo.Found("x " + Base64Encode("robot$ci:pa:ss\"w0rd")));
  EXPECT_TRUE(no_echo.Found("bad password pa:ss\"w0rd"));
  EXPECT_TRUE(no_echo.Found(R"({"detail":"pa:ss\"w0rd"})"));
  EXPECT_FALSE(no_echo.Found("robot$ci"));
}

TEST(NoEcho, FindsAPasswordThatLooksEscapedItself) {
  const NoEcho no_echo(Base64Encode(R"(robot:a%41"b\c)"));
  EXPECT_TRUE(no_echo.Found(R"({"detail":"a%41\"b\\c"})"));
  EXPECT_TRUE(no_echo.Found("/token?password=a%2541%22b%5Cc"));
  EXPECT_TRUE(no_echo.Found(R"({"detail":"\/token?password=a%2541%22b%5Cc"})"));
}

TEST(NoEcho, DoesNotSearchAPasswordThatWouldMatchByChance) {
  const std::string credential = Base64Encode("user:text");
  const NoEcho no_echo(credential);
  EXPECT_FALSE(no_echo.Found("text/plain"));
  EXPECT_TRUE(no_echo.Found(credential));
}

TEST(NoEcho, FindsNothingWithoutACredential) {
  EXPECT_FALSE(NoEcho().Found("anything"));
  EXPECT_FALSE(NoEcho("").Found(""));
}

TEST(NoEcho, SurvivesBrokenEscapes) {
  const NoEcho no_echo("token1");
  for (const char* text : {"%", "%4", "%zz", "\\", "\\u", "\\u00", "\\uzzzz", "\\uffff%"}) {
    EXPECT_FALSE(no_echo.Found(text)) << text;
  }
}

}  // namespace
}  // namespace connector::dataplane::oci
