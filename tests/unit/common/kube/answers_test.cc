#include "common/kube/answers.h"

#include "tests/support/cpp/result_matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace connector::kube {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing_support::HasErrorMessage;

constexpr std::string_view kWhat = "get secrets a/b";

std::string Status(int code, const std::string& message) {
  return R"({"kind":"Status","apiVersion":"v1","status":"Failure","message":")" + message +
         R"(","code":)" + std::to_string(code) + "}";
}

struct Refused {
  std::string_view name;
  int status;
  ErrorCode code;
  Retry retry = Retry::kNever;

  friend void PrintTo(const Refused& row, std::ostream* os) { *os << row.name; }
};

class RefusalOfMeans : public ::testing::TestWithParam<Refused> {};

TEST_P(RefusalOfMeans, ThisCode) {
  const Error error = ErrorFromStatus(GetParam().status, "", std::string(kWhat));

  EXPECT_EQ(error.code, GetParam().code);
  EXPECT_EQ(error.retry, GetParam().retry);
  EXPECT_THAT(error.message, HasSubstr("get secrets a/b: "));
}

INSTANTIATE_TEST_SUITE_P(
    Statuses,
    RefusalOfMeans,
    ::testing::Values(Refused{"BadRequest", 400, ErrorCode::kInvalidArgument},
                      Refused{"Unprocessable", 422, ErrorCode::kInvalidArgument},
                      Refused{"Unauthorized", 401, ErrorCode::kUnauthenticated},
                      Refused{"Forbidden", 403, ErrorCode::kPermissionDenied},
                      Refused{"NotFound", 404, ErrorCode::kNotFound},
                      Refused{"Conflict", 409, ErrorCode::kConflict},
                      Refused{"TooLarge", 413, ErrorCode::kResourceExhausted},
                      Refused{"TooMany", 429, ErrorCode::kUnavailable, Retry::kSafe},
                      Refused{"Internal", 500, ErrorCode::kUnavailable, Retry::kSafe},
                      Refused{"Redirect", 302, ErrorCode::kUnavailable, Retry::kSafe}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(ErrorFromStatus, TakesTheServersSentence) {
  EXPECT_EQ(ErrorFromStatus(422, Status(422, "spec.address: Required value"), "create connectors")
                .message,
            "create connectors: spec.address: Required value (422)");
}

TEST(ErrorFromStatus, KeepsOneLine) {
  EXPECT_EQ(ErrorFromStatus(400, Status(400, R"(a\nb)"), "x").message, "x: a b (400)");
}

TEST(ErrorFromStatus, TakesNothingOfWhatIsNotAStatus) {
  EXPECT_EQ(ErrorFromStatus(404, R"({"message":"hello"})", "x").message, "x: not found (404)");
  EXPECT_EQ(ErrorFromStatus(404, "<html>", "x").message, "x: not found (404)");
}

TEST(ErrorFromStatus, DoesNotRepeatWhatIsSaidOfAToken) {
  EXPECT_THAT(ErrorFromStatus(401, Status(401, "token abc is bad"), "x").message,
              Not(HasSubstr("abc")));
}

TEST(ErrorFromStatus, CutsALongSentence) {
  EXPECT_LT(ErrorFromStatus(400, Status(400, std::string(5000, 'x')), "x").message.size(), 1100U);
}

TEST(IsExpired, IsAGone) {
  EXPECT_TRUE(IsExpired(410, Status(410, "too old")));
  EXPECT_TRUE(IsExpired(410, ""));
  EXPECT_FALSE(IsExpired(404, Status(404, "no")));
}

TEST(IsExpired, IsAVersionThatTheServerNeverHad) {
  EXPECT_TRUE(IsExpired(
      504, R"({"kind":"Status","details":{"causes":[{"reason":"ResourceVersionTooLarge"}]}})"));
  EXPECT_FALSE(IsExpired(504, R"({"kind":"Status","details":{"causes":[{"reason":"Slow"}]}})"));
}

TEST(ParsePage, ReadsItemsVersionAndTheNextPage) {
  const auto page = ParsePage(
      R"({"metadata":{"resourceVersion":"7","continue":"more"},
          "items":[{"metadata":{"name":"n","namespace":"a","resourceVersion":"3"},"new":1}]})",
      kSecrets);

  ASSERT_TRUE(page) << page.error().message;
  EXPECT_EQ(page->resource_version, "7");
  EXPECT_EQ(page->next, "more");
  ASSERT_EQ(page->items.size(), 1U);
  EXPECT_EQ(page->items[0]->name().ToString(), "a/n");
  EXPECT_EQ(page->items[0]->json().at("kind"), "Secret") << "the items of a list lack it";
}

TEST(ParsePage, TakesNullForNoItems) {
  EXPECT_TRUE(ParsePage(R"({"metadata":{"resourceVersion":"7"},"items":null})", kSecrets));
}

class ParsePageRefuses : public ::testing::TestWithParam<std::pair<std::string, std::string>> {};

TEST_P(ParsePageRefuses, WhatIsNotAList) {
  EXPECT_THAT(ParsePage(GetParam().first, kSecrets),
              HasErrorMessage(ErrorCode::kUnavailable, HasSubstr(GetParam().second)));
}

INSTANTIATE_TEST_SUITE_P(
    Wrong,
    ParsePageRefuses,
    ::testing::Values(std::pair("<html>", "no JSON object"),
                      std::pair(R"({"items":[]})", "without metadata.resourceVersion"),
                      std::pair(R"({"metadata":{"resourceVersion":"7"}})", "without items"),
                      std::pair(R"({"metadata":{"resourceVersion":"7"},"items":[1]})", "no object"),
                      std::pair(R"({"metadata":{"resourceVersion":"7"},"items":[{}]})",
                                "without metadata")));

TEST(ParseWatchLine, ReadsAnEvent) {
  const auto line = ParseWatchLine(
      R"({"type":"MODIFIED","object":{"metadata":{"name":"n","resourceVersion":"3"}}})", kSecrets);

  ASSERT_TRUE(line && line->event);
  EXPECT_EQ(line->event->kind, WatchEventKind::kModified);
  EXPECT_EQ(line->event->resource_version, "3");
  EXPECT_EQ(line->event->object->name().name, "n");
}

TEST(ParseWatchLine, ReadsABookmark) {
  const auto line = ParseWatchLine(
      R"({"type":"BOOKMARK","object":{"kind":"Secret","metadata":{"resourceVersion":"9"}}})",
      kSecrets);

  ASSERT_TRUE(line && line->event);
  EXPECT_EQ(line->event->kind, WatchEventKind::kBookmark);
  EXPECT_EQ(line->event->resource_version, "9");
  EXPECT_EQ(line->event->object, nullptr);
}

TEST(ParseWatchLine, KnowsAnErrorThatWantsANewList) {
  const auto line =
      ParseWatchLine(R"({"type":"ERROR","object":{"kind":"Status","code":410}})", kSecrets);

  ASSERT_TRUE(line);
  EXPECT_TRUE(line->expired);
  EXPECT_FALSE(line->event);
}

TEST(ParseWatchLine, GivesAnotherErrorOn) {
  const auto line = ParseWatchLine(
      R"({"type":"ERROR","object":{"kind":"Status","code":403,"message":"no more"}})", kSecrets);

  ASSERT_TRUE(line && line->refused);
  EXPECT_FALSE(line->expired);
  EXPECT_EQ(line->refused->code, ErrorCode::kPermissionDenied);
}

TEST(ParseWatchLine, LeavesATypeThatItDoesNotKnow) {
  const auto line = ParseWatchLine(R"({"type":"NEWER","object":{}})", kSecrets);

  ASSERT_TRUE(line);
  EXPECT_FALSE(line->event || line->expired || line->refused);
}

class ParseWatchLineRefuses : public ::testing::TestWithParam<std::string> {};

TEST_P(ParseWatchLineRefuses, WhatIsNotAnEvent) {
  EXPECT_THAT(ParseWatchLine(GetParam(), kSecrets),
              testing_support::HasError(ErrorCode::kUnavailable));
}

INSTANTIATE_TEST_SUITE_P(
    Wrong,
    ParseWatchLineRefuses,
    ::testing::Values("",
                      "[]",
                      R"({"type":"ADDED"})",
                      R"({"type":"ADDED","object":{"metadata":{"resourceVersion":"1"}}})",
                      R"({"type":"ADDED","object":{"metadata":{"name":"n"}}})",
                      R"({"type":"BOOKMARK","object":{"metadata":{}}})"));

}  // namespace
}  // namespace connector::kube
