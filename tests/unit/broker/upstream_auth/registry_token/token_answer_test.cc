#include "broker/upstream_auth/registry_token/token_answer.h"

#include "common/base/encoding.h"
#include "tests/support/cpp/fake_clock.h"
#include "tests/support/cpp/result_matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>

namespace connector::broker::upstream_auth {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing_support::HasError;
using testing_support::HasErrorMessage;

constexpr WallTime kAnsweredAt = testing_support::FakeClock::kStart;

Result<UpstreamToken> Read(const std::string& body) {
  return ReadTokenAnswer(body, kAnsweredAt);
}

// A token that carries `claims` as a JWT would.
std::string Jwt(const std::string& claims) {
  return "e30." + Base64UrlEncode(claims) + ".c2ln";
}

std::string JwtExpiringIn(long lifetime) {
  const auto now = std::chrono::duration_cast<std::chrono::seconds>(kAnsweredAt.time_since_epoch());
  return Jwt("{\"exp\":" + std::to_string(now.count() + lifetime) + "}");
}

std::string Answer(const std::string& token, const std::string& more) {
  return R"({"token":")" + token + "\"" + more + "}";
}

struct Life {
  std::string_view name;
  std::string body;
  std::chrono::milliseconds life;
  bool single_use = false;

  friend void PrintTo(const Life& row, std::ostream* os) { *os << row.name; }
};

class ReadTokenAnswerLife : public ::testing::TestWithParam<Life> {};

TEST_P(ReadTokenAnswerLife, Is) {
  const Result<UpstreamToken> token = Read(GetParam().body);

  ASSERT_TRUE(token.has_value()) << token.error().message;
  EXPECT_EQ(token->not_after - kAnsweredAt, GetParam().life);
  EXPECT_EQ(token->single_use, GetParam().single_use);
}

using std::chrono::seconds;

INSTANTIATE_TEST_SUITE_P(
    Rules,
    ReadTokenAnswerLife,
    ::testing::Values(
        Life{"ExpiresIn", Answer("t", R"(,"expires_in":300)"), seconds(300)},
        Life{"ANumericString", Answer("t", R"(,"expires_in":"300")"), seconds(300)},
        Life{"AFraction", Answer("t", R"(,"expires_in":1.5)"), std::chrono::milliseconds(1500)},
        Life{"OneSecond", Answer("t", R"(,"expires_in":1)"), seconds(1)},
        Life{"SixtySecondsWhenMissing", Answer("t", ""), seconds(60)},
        Life{"SixtySecondsWhenNull", Answer("t", R"(,"expires_in":null)"), seconds(60)},
        Life{"IssuedAtIgnored",
             Answer("t", R"(,"expires_in":300,"issued_at":"1970-01-01T00:00:00Z")"),
             seconds(300)},
        Life{"NonsenseIssuedAtIgnored",
             Answer("t", R"(,"expires_in":300,"issued_at":[])"),
             seconds(300)},
        Life{"ADayAtMost", Answer("t", R"(,"expires_in":86400)"), seconds(86400)},
        Life{"OneRequestWhenOverADay", Answer("t", R"(,"expires_in":86401)"), seconds(60), true},
        Life{"OneRequestWhenHuge", Answer("t", R"(,"expires_in":1e300)"), seconds(60), true},
        Life{"OneRequestWhenZero", Answer("t", R"(,"expires_in":0)"), seconds(60), true},
        Life{"OneRequestWhenNegative", Answer("t", R"(,"expires_in":-1)"), seconds(60), true},
        Life{"OneRequestWhenText", Answer("t", R"(,"expires_in":"soon")"), seconds(60), true},
        Life{"OneRequestWhenNanText", Answer("t", R"(,"expires_in":"nan")"), seconds(60), true},
        Life{"OneRequestWhenAnObject", Answer("t", R"(,"expires_in":{})"), seconds(60), true},
        Life{"ExpOfAJwtWhenSooner", Answer(JwtExpiringIn(40), R"(,"expires_in":300)"), seconds(40)},
        Life{"ExpiresInWhenSoonerThanExp",
             Answer(JwtExpiringIn(4000), R"(,"expires_in":300)"),
             seconds(300)},
        Life{"SixtySecondsThoughExpIsLater", Answer(JwtExpiringIn(3600), ""), seconds(60)},
        Life{"ExpWhenMissingAndSooner", Answer(JwtExpiringIn(30), ""), seconds(30)},
        Life{"OneRequestWhenExpIsPast", Answer(JwtExpiringIn(-5), ""), seconds(60), true},
        Life{"ExpThatIsTextIgnored", Answer(Jwt(R"({"exp":"1"})"), ""), seconds(60)},
        Life{"NoExp", Answer(Jwt("{}"), ""), seconds(60)},
        Life{"APayloadThatIsNoObject", Answer(Jwt("[1]"), ""), seconds(60)},
        Life{"APayloadThatIsNotBase64", Answer("a.!!.c", ""), seconds(60)}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(ReadTokenAnswer, TakesEitherNameOfTheToken) {
  EXPECT_EQ(Read(R"({"token":"a"})")->value.Reveal(), "a");
  EXPECT_EQ(Read(R"({"access_token":"b"})")->value.Reveal(), "b");
  EXPECT_EQ(Read(R"({"token":"c","access_token":"c"})")->value.Reveal(), "c");
  EXPECT_EQ(Read(R"({"access_token":"d","token":"c"})")->value.Reveal(), "c") << "as clients do";
  EXPECT_EQ(Read(R"({"token":"","access_token":"d"})")->value.Reveal(), "d");
  EXPECT_EQ(Read(R"({"token":null,"access_token":"e"})")->value.Reveal(), "e");
  EXPECT_EQ(Read(R"({"token":"f"})")->scheme, CredentialScheme::kBearer);
}

struct TokenAnswerRefused {
  std::string_view name;
  std::string body;

  friend void PrintTo(const TokenAnswerRefused& row, std::ostream* os) { *os << row.name; }
};

class ReadTokenAnswerRefuses : public ::testing::TestWithParam<TokenAnswerRefused> {};

TEST_P(ReadTokenAnswerRefuses, WithASentenceThatDoesNotRepeatTheAnswer) {
  EXPECT_THAT(Read(GetParam().body),
              HasErrorMessage(ErrorCode::kInvalidArgument, Not(HasSubstr("t0ken"))));
}

INSTANTIATE_TEST_SUITE_P(
    Nonsense,
    ReadTokenAnswerRefuses,
    ::testing::Values(
        TokenAnswerRefused{"AnEmptyBody", ""},
        TokenAnswerRefused{"NoJson", "<html>t0ken"},
        TokenAnswerRefused{"HalfOfAnAnswer", R"({"token":"t0ken")"},
        TokenAnswerRefused{"TwoAnswers", R"({"token":"t0ken"}{})"},
        TokenAnswerRefused{"AnArray", R"(["t0ken"])"},
        TokenAnswerRefused{"NoToken", R"({"expires_in":300})"},
        TokenAnswerRefused{"AnEmptyToken", R"({"token":""})"},
        TokenAnswerRefused{"ATokenThatIsANumber", R"({"token":1})"},
        TokenAnswerRefused{"ALineFeed", R"({"token":"t0ken\nX"})"},
        TokenAnswerRefused{"ACarriageReturn", R"({"token":"t0ken\r\nX: y"})"},
        TokenAnswerRefused{"ASpace", R"({"token":"t0ken a"})"},
        TokenAnswerRefused{"ANul", R"({"token":"t0ken\u0000"})"},
        TokenAnswerRefused{"ADelete", R"({"token":"t0ken\u007f"})"},
        TokenAnswerRefused{"NonAscii", R"({"token":"t0ken\u00e9"})"},
        TokenAnswerRefused{"TooManyBytes",
                           R"({"token":")" + std::string(kMaxTokenAnswerBytes, 'a') + "\"}"},
        TokenAnswerRefused{"ADeepNest", std::string(1000, '[') + std::string(1000, ']')}),
    [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace connector::broker::upstream_auth
