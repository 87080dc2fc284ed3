#include "common/http/origin.h"

#include "tests/support/cpp/result_matchers.h"

#include <gtest/gtest.h>

namespace connector::http {
namespace {

using testing_support::HasError;
using testing_support::HasValue;

TEST(ParseUrl, PutsAnUrlIntoOneCanonicalForm) {
  EXPECT_THAT(ParseUrl("HTTPS://Harbor.Example.COM/v2/a?b=c"),
              HasValue(Url{{true, "harbor.example.com", 443}, "/v2/a", "b=c"}));
  EXPECT_THAT(ParseUrl("http://[2001:DB8:0:0::1]:5000"),
              HasValue(Url{{false, "2001:db8::1", 5000}, "/", ""}));
}

TEST(ParseUrl, RefusesWhatTwoParsersCouldReadDifferently) {
  for (const char* text : {"",
                           "harbor.example.com",
                           "ftp://a/",
                           "https:/a",
                           "https://",
                           "https://user@a/",
                           "https://a:b@c/",
                           "https://a/#x",
                           "https://a:0/",
                           "https://a:65536/",
                           "https://a:/",
                           "https://a b/",
                           "https://a\\b/",
                           "https://a\r\n/",
                           "https://[::1/",
                           "https://[::1]x/",
                           "https://[a]/",
                           "https://127.1/",
                           "https://0x7f000001/",
                           "https://2130706433/",
                           "https://0177.0.0.1/",
                           "https://a..b/",
                           "https://\xC3\xA9/",
                           "https://a%2eb/"}) {
    EXPECT_THAT(ParseUrl(text), HasError(ErrorCode::kInvalidArgument)) << text;
  }
}

TEST(ParseOrigin, RefusesAPath) {
  EXPECT_THAT(ParseOrigin("https://a.example:8443/"), HasValue(Origin{true, "a.example", 8443}));
  EXPECT_THAT(ParseOrigin("https://a.example/v2"), HasError(ErrorCode::kInvalidArgument));
  EXPECT_THAT(ParseOrigin("https://a.example/?"), HasError(ErrorCode::kInvalidArgument));
}

TEST(Origin, LeavesTheDefaultPortOut) {
  EXPECT_EQ((Origin{true, "a", 443}.ToString()), "https://a");
  EXPECT_EQ((Origin{false, "a", 443}.ToString()), "http://a:443");
  EXPECT_EQ((Origin{true, "::1", 8443}.ToString()), "https://[::1]:8443");
}

TEST(ResolveReference, FollowsRfc3986) {
  const Url base{{true, "r.example", 443}, "/v2/a/blobs/uploads/", "x=1"};
  const auto resolve = [&](std::string_view reference) {
    const Result<Url> url = ResolveReference(base, reference);
    return url ? url->ToString() : "error";
  };
  EXPECT_EQ(resolve("https://o.example/p?q"), "https://o.example/p?q");
  EXPECT_EQ(resolve("//o.example/p"), "https://o.example/p");
  EXPECT_EQ(resolve("/v2/b?s=1"), "https://r.example/v2/b?s=1");
  EXPECT_EQ(resolve("id?s=1"), "https://r.example/v2/a/blobs/uploads/id?s=1");
  EXPECT_EQ(resolve("?s=1"), "https://r.example/v2/a/blobs/uploads/?s=1");
  EXPECT_EQ(resolve("../../x"), "https://r.example/v2/a/x");
  EXPECT_EQ(resolve("/../.."), "https://r.example/");
  EXPECT_EQ(resolve("/x?filename=\"a b\"&y=<z>"),
            "https://r.example/x?filename=%22a%20b%22&y=%3Cz%3E");
  EXPECT_EQ(resolve("https://o.example/\xC3\xA4?\xC3\xA4"), "https://o.example/%C3%A4?%C3%A4");
  EXPECT_EQ(resolve("https://o.example/x?a=b#c?d"), "https://o.example/x?a=b");
  EXPECT_EQ(resolve("https://o.example#@p.example/x"), "https://o.example/");
  EXPECT_EQ(resolve("/x|{y}`^?z"), "https://r.example/x|{y}`^?z");
  EXPECT_EQ(resolve("/x?y=%0A"), "https://r.example/x?y=%0A");
  for (const char* const refused : {"https://o\".example/x",
                                    "//o <x>/y",
                                    "https://o.exam\xC3\xA4ple/x",
                                    "https://o.example\\@p.example/x",
                                    "/x\\y",
                                    "/x\r\nY: z",
                                    "/x\ty",
                                    "/x%0d%0ay",
                                    "/x%1Fy",
                                    "/x%7F",
                                    "#x"}) {
    EXPECT_EQ(resolve(refused), "error") << refused;
  }
  EXPECT_EQ(resolve("r.example:443/v2"), "error") << "a host without a scheme reads as a scheme";
  EXPECT_EQ(resolve(""), "error");
}

}  // namespace
}  // namespace connector::http
