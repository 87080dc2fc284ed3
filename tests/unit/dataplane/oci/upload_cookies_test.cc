#include "dataplane/oci/upload_cookies.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace connector::dataplane::oci {
namespace {

constexpr std::int64_t kThen = 1'700'000'000;

std::string After(const std::string& sent,
                  const std::vector<std::string>& set,
                  const http::Url& next = {
                      {true, "reg.example.com", 443}, "/v2/a/blobs/uploads/u", ""}) {
  std::string text = "HTTP/1.1 202 Accepted\r\n";
  for (const std::string& value : set) {
    text.append("Set-Cookie: ").append(value).append("\r\n");
  }
  http::ResponseHead head;
  const std::string whole = text + "\r\n";
  EXPECT_EQ(http::ParseResponseHead(whole, http::Method::kPost, head).status,
            http::HeadStatus::kComplete);
  return CookiesAfter(sent, head.fields, next, kThen);
}

TEST(CookiesAfter, KeepWhatWasSetAndReplaceByName) {
  EXPECT_EQ(After("", {"node=1; Path=/; HttpOnly", "b=2"}), "node=1; b=2");
  EXPECT_EQ(After("node=1; b=2", {"node=3"}), "b=2; node=3");
  EXPECT_EQ(After("node=1", {}), "node=1");
}

TEST(CookiesAfter, ObeyTheAttributes) {
  EXPECT_EQ(After("", {"a=1; Secure"}), "a=1");
  const http::Url plain{{false, "reg.example.com", 80}, "/v2/a/blobs/uploads/u", ""};
  EXPECT_EQ(After("", {"a=1; Secure"}, plain), "");
  EXPECT_EQ(
      After("",
            {"a=1; Domain=.Example.com", "b=1; domain=other.test", "c=1; Domain=g.example.com"}),
      "a=1");
  EXPECT_EQ(After("", {"a=1; Path=/v2", "b=1; Path=/v", "c=1; Path=/v2/a/blobs/uploads/u"}),
            "a=1; c=1");
}

TEST(CookiesAfter, EndWithTheirTime) {
  EXPECT_EQ(After("a=1", {"a=; Max-Age=0"}), "");
  EXPECT_EQ(After("a=1", {"a=x; max-age=-1; Expires=Fri, 01 Jan 2100 00:00:00 GMT"}), "");
  EXPECT_EQ(After("a=1", {"a=x; Expires=Thu, 01 Jan 1970 00:00:01 GMT"}), "");
  EXPECT_EQ(After("", {"a=1; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:01 GMT"}), "a=1");
}

TEST(CookiesAfter, AreFewAndSmall) {
  std::vector<std::string> many;
  for (int i = 0; i < 60; ++i) {
    many.push_back("c" + std::to_string(i) + "=v");
  }
  EXPECT_EQ(After("", many), "c0=v; c1=v; c2=v; c3=v; c4=v; c5=v; c6=v; c7=v");
  EXPECT_EQ(After("", {"big=" + std::string(4096, 'x'), "a=1"}), "a=1");
}

TEST(CookiesAfter, LeaveOutWhatIsMalformed) {
  EXPECT_EQ(After("", {"=1", "a b=1", "c=1 2", "d=1,2", "e", "f=\\1", "g=\"q\""}), "e=; g=\"q\"");
}

TEST(IsCookieValue, IsWhatCookiesAfterGivesAndNoLineBreak) {
  EXPECT_TRUE(IsCookieValue(""));
  EXPECT_TRUE(IsCookieValue("a=1; b=2"));
  EXPECT_FALSE(IsCookieValue("a=1\r\nX: y"));
  EXPECT_FALSE(IsCookieValue("a=1;b=2"));
  EXPECT_FALSE(IsCookieValue("a"));
  EXPECT_FALSE(IsCookieValue("a=" + std::string(kMaxUploadCookieBytes, 'x')));
}

}  // namespace
}  // namespace connector::dataplane::oci
