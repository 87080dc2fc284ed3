#include "dataplane/oci/no_echo.h"

#include "common/base/encoding.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

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

struct Echo {
  std::string name;
  std::string text;
  bool found;
  std::string target = "/v2/team/app/manifests/v1";
  std::string host = "reg.example.com";
  std::vector<std::string> hosts = {};

  friend void PrintTo(const Echo& row, std::ostream* os) { *os << row.name; }
};

class EchoSearchFinds : public ::testing::TestWithParam<Echo> {};

TEST_P(EchoSearchFinds, ThePasswordUnlessTheQuestionHeldIt) {
  const NoEcho no_echo(Base64Encode("docker:registry"));
  const http::Origin origin{true, GetParam().host, 443};
  const Asked asked{origin, GetParam().target, GetParam().hosts};
  EXPECT_EQ(EchoSearch(no_echo, asked).Found(GetParam().text), GetParam().found);
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    EchoSearchFinds,
    ::testing::Values(
        Echo{"APasswordThatNobodySaid", "wrong password registry", true},
        Echo{
            "APasswordOfWhichTheClientSaidAPart", "password registry", true, "/v2/regis/tags/list"},
        Echo{"ANameThatTheClientAskedFor",
             "/v2/registry/app/blobs/uploads/x",
             false,
             "/v2/registry/app/blobs/uploads/"},
        Echo{"APartOfSuchAName", "my-registry", false, "/v2/my-registry-1/tags/list"},
        Echo{"ATag", "registry", false, "/v2/a/manifests/registry"},
        Echo{"ANameInTheQuery", "a/registry", false, "/v2/a/blobs/uploads/?from=a%2Fregistry"},
        Echo{"AnEscapedNameInTheQuery", "registry", false, "/v2/a/tags/list?last=%72egistry"},
        Echo{"TheRegistrysHost",
             "https://registry.example.com/v2/",
             false,
             "/v2/a/tags/list",
             "registry.example.com"},
        Echo{"AHostThatRedirectsMayLeadTo",
             "https://blobs.registry.example.com/x",
             false,
             "/v2/a/tags/list",
             "reg.example.com",
             {"other.example.com", "*.registry.example.com"}},
        Echo{"TheWholeValueWhateverWasAsked",
             "registry " + Base64Encode("docker:registry"),
             true,
             "/v2/registry/" + Base64Encode("docker:registry")}),
    [](const auto& row) { return row.param.name; });

TEST(EchoSearch, FindsABearerTokenWhateverWasAsked) {
  const NoEcho no_echo("token-0123");
  const http::Origin origin{true, "token-0123", 443};
  const Asked asked{origin, "/v2/token-0123/tags/list", {}};
  EXPECT_TRUE(EchoSearch(no_echo, asked).Found("token-0123"));
}

TEST(EchoSearch, FindsNothingWhereNoCredentialWasSent) {
  EXPECT_FALSE(EchoSearch().Found("anything"));
}

TEST(NoEcho, SurvivesBrokenEscapes) {
  const NoEcho no_echo("token1");
  for (const char* text : {"%", "%4", "%zz", "\\", "\\u", "\\u00", "\\uzzzz", "\\uffff%"}) {
    EXPECT_FALSE(no_echo.Found(text)) << text;
  }
}

}  // namespace
}  // namespace connector::dataplane::oci
