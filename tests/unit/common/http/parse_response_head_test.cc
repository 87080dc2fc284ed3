#include "common/http/head.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <string_view>

namespace connector::http {
namespace {

ResponseHead ParseResponse(std::string_view raw, Method method = Method::kGet) {
  ResponseHead head;
  const HeadResult result = ParseResponseHead(raw, method, head);
  EXPECT_EQ(result.status, HeadStatus::kComplete) << result.error.sentence << "\n" << raw;
  EXPECT_EQ(result.consumed_bytes, raw.size());
  return head;
}

TEST(ParseResponseHead, ReadsAManifestsHead) {
  const ResponseHead head = ParseResponse(
      "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.oci.image.manifest.v1+json\r\n"
      "Docker-Content-Digest: sha256:ab\r\nContent-Length: 525\r\n\r\n");

  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.framing, BodyFraming::kContentLength);
  EXPECT_EQ(head.content_length, 525U);
  EXPECT_EQ(head.fields.Find(HeaderId::kDockerContentDigest), "sha256:ab");
  EXPECT_TRUE(head.keep_alive);
}

TEST(ParseResponseHead, IsIncompleteAtEveryPrefix) {
  const std::string raw = "HTTP/1.1 200 All right\r\nContent-Length: 5\r\nX: \xC3\xA9\r\n\r\n";
  for (std::size_t size = 0; size < raw.size(); ++size) {
    ResponseHead head;
    EXPECT_EQ(ParseResponseHead(std::string_view(raw).substr(0, size), Method::kGet, head).status,
              HeadStatus::kIncomplete)
        << size;
  }
  EXPECT_EQ(ParseResponse(raw).content_length, 5U);
}

struct Read {
  std::string_view name;
  Method method;
  std::string_view raw;
  BodyFraming framing;
  bool has_length;
  bool keep_alive;

  friend void PrintTo(const Read& row, std::ostream* os) { *os << row.name; }
};

class ParseResponseHeadReads : public ::testing::TestWithParam<Read> {};

TEST_P(ParseResponseHeadReads, WhereTheBodyEnds) {
  const ResponseHead head = ParseResponse(GetParam().raw, GetParam().method);

  EXPECT_EQ(head.framing, GetParam().framing);
  EXPECT_EQ(head.has_content_length, GetParam().has_length);
  EXPECT_EQ(head.keep_alive, GetParam().keep_alive);
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    ParseResponseHeadReads,
    ::testing::Values(
        Read{"AChunkedBody",
             Method::kGet,
             "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
             BodyFraming::kChunked,
             false,
             true},
        Read{"ABodyUntilTheEnd",
             Method::kGet,
             "HTTP/1.1 200 OK\r\n\r\n",
             BodyFraming::kUntilClose,
             false,
             false},
        Read{"AHeadsLength",
             Method::kHead,
             "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
             BodyFraming::kNone,
             true,
             true},
        Read{"AHeadOfAChunkedBody",
             Method::kHead,
             "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
             BodyFraming::kNone,
             false,
             true},
        Read{"A204WithoutFraming",
             Method::kGet,
             "HTTP/1.1 204 No Content\r\n\r\n",
             BodyFraming::kNone,
             false,
             true},
        Read{"A204WithALengthOfZero",
             Method::kPut,
             "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
             BodyFraming::kNone,
             true,
             true},
        Read{"A204ThatAnnouncesABodyIsNotReused",
             Method::kGet,
             "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n",
             BodyFraming::kNone,
             true,
             false},
        Read{"A204InChunksIsNotReused",
             Method::kGet,
             "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n",
             BodyFraming::kNone,
             false,
             false},
        Read{"A304WithTheBodysLength",
             Method::kGet,
             "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
             BodyFraming::kNone,
             true,
             true},
        Read{
            "A100", Method::kPut, "HTTP/1.1 100 Continue\r\n\r\n", BodyFraming::kNone, false, true},
        Read{"Http10Closes",
             Method::kGet,
             "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n",
             BodyFraming::kContentLength,
             true,
             false},
        Read{"Http10WithKeepAlive",
             Method::kGet,
             "HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\n",
             BodyFraming::kContentLength,
             true,
             true},
        Read{"AConnectionThatCloses",
             Method::kGet,
             "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n",
             BodyFraming::kContentLength,
             true,
             false},
        Read{"AStatusWithoutReason",
             Method::kGet,
             "HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n",
             BodyFraming::kContentLength,
             true,
             true},
        Read{"AnEmptyReason",
             Method::kGet,
             "HTTP/1.1 404 \r\nContent-Length: 0\r\n\r\n",
             BodyFraming::kContentLength,
             true,
             true},
        Read{"AReasonAndAFieldWith8Bits",
             Method::kGet,
             "HTTP/1.1 200 G\xC3\xBCnstig\r\nContent-Length: 0\r\nX-Amz_Meta: \xC3\xA9\r\n\r\n",
             BodyFraming::kContentLength,
             true,
             true}),
    [](const auto& row) { return std::string(row.param.name); });

struct RefusedResponse {
  std::string name;
  std::string raw;
  HeadError reason;

  friend void PrintTo(const RefusedResponse& row, std::ostream* os) { *os << row.name; }
};

class ParseResponseHeadRefuses : public ::testing::TestWithParam<RefusedResponse> {};

TEST_P(ParseResponseHeadRefuses, WithItsOwnReason) {
  ResponseHead head;
  const HeadResult result = ParseResponseHead(GetParam().raw, Method::kGet, head);

  EXPECT_EQ(result.status, HeadStatus::kError);
  EXPECT_EQ(result.error.reason, GetParam().reason) << result.error.sentence;
}

std::string Ok(const std::string& fields) {
  return "HTTP/1.1 200 OK\r\n" + fields + "\r\n";
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    ParseResponseHeadRefuses,
    ::testing::Values(
        RefusedResponse{"TwoEqualLengths",
                        Ok("Content-Length: 5\r\nContent-Length: 5\r\n"),
                        HeadError::kContentLength},
        RefusedResponse{
            "AListOfLengths", Ok("Content-Length: 5, 5\r\n"), HeadError::kContentLength},
        RefusedResponse{"ASignedLength", Ok("Content-Length: +5\r\n"), HeadError::kContentLength},
        RefusedResponse{"BothFramings",
                        Ok("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
                        HeadError::kBothFramings},
        RefusedResponse{"AnotherEncoding",
                        Ok("Transfer-Encoding: gzip, chunked\r\n"),
                        HeadError::kTransferEncoding},
        RefusedResponse{"ChunkedInHttp10",
                        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                        HeadError::kTransferEncoding},
        RefusedResponse{"AFoldedField", Ok("X: a\r\n b\r\n"), HeadError::kFolding},
        RefusedResponse{"ABareLfInAField", Ok("X: a\nY: b\r\n"), HeadError::kLineEnding},
        RefusedResponse{"ABareLfAfterTheStatus", "HTTP/1.1 200 OK\n\n", HeadError::kLineEnding},
        RefusedResponse{"ABareCrInAField", Ok("X: a\rb\r\n"), HeadError::kLineEnding},
        RefusedResponse{"ANulInAField", Ok(std::string("X: a\0b\r\n", 8)), HeadError::kFieldValue},
        RefusedResponse{
            "AControlByteInTheReason", "HTTP/1.1 200 O\x01K\r\n\r\n", HeadError::kStatusLine},
        RefusedResponse{"ASpaceBeforeTheColon", Ok("X : a\r\n"), HeadError::kFieldName},
        RefusedResponse{"NoColon", Ok("X\r\n"), HeadError::kLineEnding},
        RefusedResponse{
            "ARepeatedLocation", Ok("Location: /a\r\nLocation: /b\r\n"), HeadError::kRepeatedField},
        RefusedResponse{"ARepeatedContentRange",
                        Ok("Content-Range: bytes 0-0/1\r\nContent-Range: bytes 0-0/2\r\n"),
                        HeadError::kRepeatedField},
        RefusedResponse{"SwitchingProtocols",
                        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
                        HeadError::kSwitchingProtocols},
        RefusedResponse{"AStatusUnder100", "HTTP/1.1 099 X\r\n\r\n", HeadError::kStatusLine},
        RefusedResponse{"AStatusOver599", "HTTP/1.1 600 X\r\n\r\n", HeadError::kStatusLine},
        RefusedResponse{"AStatusOfFourDigits", "HTTP/1.1 2000 X\r\n\r\n", HeadError::kStatusLine},
        RefusedResponse{"AStatusOfTwoDigits", "HTTP/1.1 20 OK\r\n\r\n", HeadError::kStatusLine},
        RefusedResponse{
            "TwoSpacesBeforeTheStatus", "HTTP/1.1  200 OK\r\n\r\n", HeadError::kStatusLine},
        RefusedResponse{"Http2", "HTTP/2 200 OK\r\n\r\n", HeadError::kVersion},
        RefusedResponse{"AnotherProtocol", "ICY 200 OK\r\n\r\n", HeadError::kStatusLine},
        RefusedResponse{"ATlsAlert", "\x15\x03\x01\x00\x02", HeadError::kStatusLine}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace connector::http
