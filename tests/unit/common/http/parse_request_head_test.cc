#include "common/http/head.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <string_view>

namespace connector::http {
namespace {

RequestHead ParseRequest(std::string_view raw) {
  RequestHead head;
  const HeadResult result = ParseRequestHead(raw, head);
  EXPECT_EQ(result.status, HeadStatus::kComplete) << result.error.sentence << "\n" << raw;
  EXPECT_EQ(result.consumed_bytes, raw.size());
  return head;
}

TEST(ParseRequestHead, ReadsWhatDockerSends) {
  constexpr std::string_view kRaw =
      "GET /v2/library/alpine/manifests/latest HTTP/1.1\r\n"
      "Host: registry.example.com:5000\r\n"
      "User-Agent: docker/20.10.24\r\n"
      "Accept: application/vnd.oci.image.index.v1+json\r\n"
      "Accept: application/json\r\n"
      "Authorization: Basic dTpw\r\n"
      "Accept-Encoding: gzip\r\n"
      "Connection: close\r\n"
      "\r\n";
  const RequestHead head = ParseRequest(kRaw);

  EXPECT_EQ(head.method, Method::kGet);
  EXPECT_EQ(head.target, "/v2/library/alpine/manifests/latest");
  EXPECT_EQ(head.host, "registry.example.com:5000");
  EXPECT_EQ(head.fields.size(), 7U);
  EXPECT_EQ(head.fields.Find(HeaderId::kAuthorization), "Basic dTpw");
  EXPECT_EQ(head.framing, BodyFraming::kNone);
  EXPECT_FALSE(head.keep_alive);
}

TEST(ParseRequestHead, PointsIntoTheBufferAndCopiesNothing) {
  const std::string raw = "GET /x HTTP/1.1\r\nHost: a\r\nAccept: b\r\n\r\n";
  RequestHead head;
  ASSERT_EQ(ParseRequestHead(raw, head).status, HeadStatus::kComplete);

  EXPECT_EQ(head.target.data(), raw.data() + 4);
  EXPECT_EQ(head.fields.Find(HeaderId::kAccept).data(), raw.data() + raw.find("b\r\n"));
}

TEST(ParseRequestHead, LeavesTheBytesAfterTheHeadAlone) {
  const std::string head_bytes = "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n";
  RequestHead head;
  const HeadResult result = ParseRequestHead(head_bytes + "\n\r\0x", head);

  EXPECT_EQ(result.consumed_bytes, head_bytes.size());
}

TEST(ParseRequestHead, IsIncompleteAtEveryPrefixAndCompleteAtTheEnd) {
  const std::string raw =
      "PATCH /v2/a/blobs/uploads/x?y=z HTTP/1.1\r\nHost: a:1\r\nTransfer-Encoding: Chunked\r\n"
      "Content-Type:application/octet-stream \r\nX-Empty:\r\nExpect: 100-Continue\r\n\r\n";
  for (std::size_t size = 0; size < raw.size(); ++size) {
    RequestHead head;
    EXPECT_EQ(ParseRequestHead(std::string_view(raw).substr(0, size), head).status,
              HeadStatus::kIncomplete)
        << size;
  }
  EXPECT_TRUE(ParseRequest(raw).expect_continue);
}

TEST(ParseRequestHead, StartsAnewWhenAHeadIsReused) {
  RequestHead head;
  ASSERT_EQ(ParseRequestHead("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nX: y\r\n\r\n", head)
                .status,
            HeadStatus::kComplete);
  ASSERT_EQ(ParseRequestHead("GET /b HTTP/1.1\r\nHost: b\r\n\r\n", head).status,
            HeadStatus::kComplete);

  EXPECT_EQ(head.framing, BodyFraming::kNone);
  EXPECT_EQ(head.content_length, 0U);
  EXPECT_EQ(head.fields.size(), 1U);
  EXPECT_FALSE(head.expect_continue);
  EXPECT_TRUE(head.keep_alive);
}

TEST(ParseRequestHead, TrimsWhiteSpaceAroundValuesOnly) {
  const RequestHead head =
      ParseRequest("GET / HTTP/1.1\r\nHost:\t a \t\r\nAccept: a\tb  c \r\n\r\n");

  EXPECT_EQ(head.host, "a");
  EXPECT_EQ(head.fields.Find(HeaderId::kAccept), "a\tb  c");
}

TEST(ParseRequestHead, TakesALineOfExactlyTheLimit) {
  const std::string target = "/" + std::string(kMaxRequestLineBytes - 64, 'a');

  EXPECT_EQ(ParseRequest("GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n").target, target);
}

TEST(ParseRequestHead, TakesAHundredFields) {
  std::string raw = "GET / HTTP/1.1\r\nHost: a\r\n";
  for (std::size_t i = 1; i < kMaxHeaderFields; ++i) {
    raw += "X: y\r\n";
  }
  EXPECT_EQ(ParseRequest(raw + "\r\n").fields.size(), kMaxHeaderFields);
}

struct Framed {
  std::string_view name;
  std::string_view method;
  std::string_view fields;
  BodyFraming framing;
  std::uint64_t length;

  friend void PrintTo(const Framed& row, std::ostream* os) { *os << row.name; }
};

class ParseRequestHeadFrames : public ::testing::TestWithParam<Framed> {};

TEST_P(ParseRequestHeadFrames, TheBody) {
  const std::string raw = std::string(GetParam().method) + " / HTTP/1.1\r\nHost: a\r\n" +
                          std::string(GetParam().fields) + "\r\n";
  const RequestHead head = ParseRequest(raw);

  EXPECT_EQ(head.framing, GetParam().framing);
  EXPECT_EQ(head.content_length, GetParam().length);
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    ParseRequestHeadFrames,
    ::testing::Values(
        Framed{"APutByLength", "PUT", "Content-Length: 17\r\n", BodyFraming::kContentLength, 17},
        Framed{"APutOfNothing", "PUT", "Content-Length: 0\r\n", BodyFraming::kContentLength, 0},
        Framed{"APostWithoutFraming", "POST", "", BodyFraming::kNone, 0},
        Framed{
            "APatchInChunks", "PATCH", "Transfer-Encoding: chunked\r\n", BodyFraming::kChunked, 0},
        Framed{"ChunkedInUpperCase",
               "PATCH",
               "TRANSFER-ENCODING: CHUNKED\r\n",
               BodyFraming::kChunked,
               0},
        Framed{
            "LeadingZeros", "PUT", "Content-Length: 000012\r\n", BodyFraming::kContentLength, 12},
        Framed{"EighteenDigits",
               "PUT",
               "Content-Length: 999999999999999999\r\n",
               BodyFraming::kContentLength,
               999'999'999'999'999'999},
        Framed{"AGetWithALengthOfZero", "GET", "Content-Length: 0\r\n", BodyFraming::kNone, 0},
        Framed{
            "ADeleteWithALengthOfZero", "DELETE", "Content-Length: 0\r\n", BodyFraming::kNone, 0},
        // java.net.http sends these on every plain-text request.
        Framed{"AnUpgradeThatIsIgnored",
               "GET",
               "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n"
               "Content-Length: 0\r\n",
               BodyFraming::kNone,
               0}),
    [](const auto& row) { return std::string(row.param.name); });

struct Kept {
  std::string_view name;
  std::string_view version;
  std::string_view connection;
  bool keep_alive;

  friend void PrintTo(const Kept& row, std::ostream* os) { *os << row.name; }
};

class ParseRequestHeadKeepsAlive : public ::testing::TestWithParam<Kept> {};

TEST_P(ParseRequestHeadKeepsAlive, AsTheClientAsks) {
  const std::string raw = "GET / HTTP/" + std::string(GetParam().version) + "\r\nHost: a\r\n" +
                          std::string(GetParam().connection) + "\r\n";
  EXPECT_EQ(ParseRequest(raw).keep_alive, GetParam().keep_alive);
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    ParseRequestHeadKeepsAlive,
    ::testing::Values(
        Kept{"Http11", "1.1", "", true},
        Kept{"Http11WithClose", "1.1", "Connection: close\r\n", false},
        Kept{"CloseInUpperCase", "1.1", "Connection: CLOSE\r\n", false},
        Kept{"CloseInAList", "1.1", "Connection: x ,\tclose , y\r\n", false},
        Kept{"CloseOnASecondLine", "1.1", "Connection: x\r\nConnection: close\r\n", false},
        Kept{"CloseBesideKeepAlive", "1.1", "Connection: keep-alive, close\r\n", false},
        Kept{"AWordThatHoldsClose", "1.1", "Connection: closed\r\n", true},
        Kept{"Http10", "1.0", "", false},
        Kept{"Http10WithKeepAlive", "1.0", "Connection: Keep-Alive\r\n", true}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(ParseRequestHead, WaitsForAContinueOnlyWhereABodyFollows) {
  constexpr std::string_view kExpect = "Host: a\r\nExpect: 100-continue\r\n";
  const auto expects = [&](std::string_view line, std::string_view framing) {
    const std::string raw =
        std::string(line) + "\r\n" + std::string(kExpect) + std::string(framing) + "\r\n";
    return ParseRequest(raw).expect_continue;
  };
  EXPECT_TRUE(expects("PUT / HTTP/1.1", "Content-Length: 1\r\n"));
  EXPECT_TRUE(expects("PUT / HTTP/1.1", "Transfer-Encoding: chunked\r\n"));
  EXPECT_FALSE(expects("PUT / HTTP/1.1", "Content-Length: 0\r\n"));
  EXPECT_FALSE(expects("GET / HTTP/1.1", ""));
  EXPECT_FALSE(expects("PUT / HTTP/1.0", "Content-Length: 1\r\n"));
}

TEST(ParseRequestHead, TakesEveryValidHost) {
  for (const std::string_view host : {"a",
                                      "a.b-c_d:1",
                                      "127.0.0.1:65535",
                                      "[::1]",
                                      "[2001:db8::1]:5000",
                                      "C-Harbor.Default.SVC",
                                      "a."}) {
    const std::string raw = "GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n";
    EXPECT_EQ(ParseRequest(raw).host, host);
  }
}

TEST(ParseRequestHead, TakesEveryMethodOfTheApi) {
  for (const Method method : {Method::kGet,
                              Method::kHead,
                              Method::kPost,
                              Method::kPatch,
                              Method::kPut,
                              Method::kDelete}) {
    const std::string raw = std::string(ToString(method)) + " / HTTP/1.1\r\nHost: a\r\n\r\n";
    EXPECT_EQ(ParseRequest(raw).method, method);
  }
}

}  // namespace
}  // namespace connector::http
