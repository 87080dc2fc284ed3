#include "common/oci/challenge.h"

#include "tests/support/cpp/result_matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <ostream>
#include <string>
#include <string_view>

namespace connector::oci {
namespace {

using ::testing::ElementsAre;
using testing_support::HasError;
using testing_support::HasValue;

TEST(ParseChallenges, ReadsTheBearerChallengeDockerHubSends) {
  EXPECT_THAT(
      ParseChallenges(
          R"(Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/alpine:pull")"),
      HasValue(ElementsAre(Challenge(BearerChallenge{.realm = "https://auth.docker.io/token",
                                                     .service = "registry.docker.io",
                                                     .scope = "repository:library/alpine:pull"}))));
}

TEST(ParseChallenges, ReadsAListInOneLine) {
  EXPECT_THAT(ParseChallenges(R"(Basic realm="a", Bearer realm="https://r/t", service="s")"),
              HasValue(ElementsAre(Challenge(BasicChallenge{"a"}),
                                   Challenge(BearerChallenge{"https://r/t", "s", ""}))));
}

TEST(ParseChallenges, ReadsSeveralLines) {
  const std::array<std::string_view, 2> lines = {R"(Basic realm="a")",
                                                 R"(Bearer realm="https://r/t")"};

  EXPECT_THAT(ParseChallenges(lines),
              HasValue(ElementsAre(Challenge(BasicChallenge{"a"}),
                                   Challenge(BearerChallenge{"https://r/t", "", ""}))));
}

struct Read {
  std::string_view name;
  std::string_view line;
  BearerChallenge challenge;

  friend void PrintTo(const Read& row, std::ostream* os) { *os << row.name; }
};

class ParseChallengesAccepts : public ::testing::TestWithParam<Read> {};

TEST_P(ParseChallengesAccepts, AsOneBearerChallenge) {
  EXPECT_THAT(ParseChallenges(GetParam().line),
              HasValue(ElementsAre(Challenge(GetParam().challenge))));
}

INSTANTIATE_TEST_SUITE_P(
    Wellformed,
    ParseChallengesAccepts,
    ::testing::Values(
        Read{"ASchemeInLowerCase", R"(bearer realm="r")", {"r", "", ""}},
        Read{"AParameterNameInUpperCase", R"(BEARER REALM="r",SERVICE="s")", {"r", "s", ""}},
        Read{"ACommaInsideQuotes",
             R"(Bearer realm="r",scope="repository:a:pull,push")",
             {"r", "", "repository:a:pull,push"}},
        Read{"AnEscapedQuote", R"(Bearer realm="r",service="a\"b\\c")", {"r", R"(a"b\c)", ""}},
        Read{"AValueWithoutQuotes", "Bearer realm=r,service=s", {"r", "s", ""}},
        Read{"SpaceAroundTheEqualsSign", R"(Bearer realm = "r" , service= "s")", {"r", "s", ""}},
        Read{"EmptyListElements", R"(, Bearer realm="r",, service="s",)", {"r", "s", ""}},
        Read{"AnUnknownParameter", R"(Bearer realm="r",error="invalid_token")", {"r", "", ""}},
        Read{"AnUnknownSchemeBefore", R"(Negotiate, Bearer realm="r")", {"r", "", ""}},
        Read{"AToken68Before", R"(Negotiate YII/+=, Bearer realm="r")", {"r", "", ""}},
        Read{"AnUnknownSchemeAfter",
             R"(Bearer realm="r", Digest realm="x", qop="a")",
             {"r", "", ""}}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(ParseChallenges, ReadsWhatIsSeparatedByBlanksOrGivenTwiceToNoEffect) {
  for (const char* line : {R"(Bearer realm="https://a" service="s")",
                           R"(Bearer realm="https://a"  service="s" scope="x" scope="y")",
                           R"(Bearer realm="https://a",service="s",scope="x",scope="y")",
                           R"(Bearer realm="https://a",realm="https://a",service="s",x=1,x=2)"}) {
    const auto read = ParseChallenges(line);
    ASSERT_TRUE(read.has_value()) << line << ": " << read.error().message;
    ASSERT_EQ(read->size(), 1U) << line;
    const auto& bearer = std::get<BearerChallenge>(read->front());
    EXPECT_EQ(bearer.realm, "https://a") << line;
    EXPECT_EQ(bearer.service, "s") << line;
  }
}

struct Refused {
  std::string_view name;
  std::string line;

  friend void PrintTo(const Refused& row, std::ostream* os) { *os << row.name; }
};

class ParseChallengesRefuses : public ::testing::TestWithParam<Refused> {};

TEST_P(ParseChallengesRefuses, WithInvalidArgument) {
  EXPECT_THAT(ParseChallenges(GetParam().line), HasError(ErrorCode::kInvalidArgument));
}

INSTANTIATE_TEST_SUITE_P(
    Malformed,
    ParseChallengesRefuses,
    ::testing::Values(Refused{"AnEmptyValue", ""},
                      Refused{"ASchemeWithNoRealm", "Bearer"},
                      Refused{"AnEmptyRealm", R"(Bearer realm="")"},
                      Refused{"ARepeatedRealm", R"(Bearer realm="https://a",realm="https://b")"},
                      Refused{"ARepeatedRealmInAnotherCase", R"(Bearer realm="a",Realm="b")"},
                      Refused{"AnUnclosedQuote", R"(Bearer realm="https://a)"},
                      Refused{"AnEscapeAtTheEnd", R"(Bearer realm="https://a\)"},
                      Refused{"ALineBreak", "Bearer realm=\"https://a\r\nX: y\""},
                      Refused{"ADelete", "Bearer realm=\"https://a\x7F\""},
                      Refused{"OnlyUnknownSchemes", R"(Negotiate realm="x")"},
                      Refused{"TwoServices", R"(Bearer realm="a",service="b",service="c")"},
                      Refused{"NothingBetweenParameters", R"(Bearer realm="a"service="b")"},
                      Refused{"NoCommaBetweenChallenges", R"(Basic realm="a" Bearer realm="b")"},
                      Refused{"NoSpaceAfterTheScheme", R"(Bearer"realm"="a")"},
                      Refused{"ACommaAfterTheScheme", R"(Bearer,realm="a")"},
                      Refused{"TextAfterTheList", R"(Bearer realm="a", @)"},
                      Refused{"AnOversizedValue",
                              "Bearer realm=\"" + std::string(kMaxChallengeBytes, 'a') + "\""}),
    [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace connector::oci
