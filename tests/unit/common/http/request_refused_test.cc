// What the request parser refuses, one row for each rule. A row's name says the rule.

#include "common/http/head.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace connector::http {
namespace {

struct RefusedRequest {
  std::string name;
  std::string raw;
  HeadError reason;
  int status = 400;

  friend void PrintTo(const RefusedRequest& row, std::ostream* os) { *os << row.name; }
};

class ParseRequestHeadRefuses : public ::testing::TestWithParam<RefusedRequest> {};

TEST_P(ParseRequestHeadRefuses, WithItsOwnReason) {
  RequestHead head;
  const HeadResult result = ParseRequestHead(GetParam().raw, head);

  EXPECT_EQ(result.status, HeadStatus::kError);
  EXPECT_EQ(result.error.reason, GetParam().reason) << result.error.sentence;
  EXPECT_EQ(result.error.http_status, GetParam().status);
  EXPECT_FALSE(result.error.sentence.empty());
}

std::string Bytes(std::string_view text) {
  return std::string(text);
}
std::string Get(const std::string& fields) {
  return "GET /v2/ HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
}
std::string Put(const std::string& fields) {
  return "PUT /v2/a HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
}
std::string Line(const std::string& line) {
  return line + "\r\nHost: a\r\n\r\n";
}

std::vector<RefusedRequest> RequestLines() {
  using E = HeadError;
  return {
      {"AnEmptyLineFirst", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", E::kLineEnding},
      {"ALineFeedFirst", "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", E::kLineEnding},
      {"ASpaceFirst", Line(" GET / HTTP/1.1"), E::kRequestLine},
      {"NoMethod", Line("/v2/ HTTP/1.1"), E::kRequestLine},
      {"AMethodThatIsNoToken", Line("G(T / HTTP/1.1"), E::kRequestLine},
      {"AMethodWithoutEnd", std::string(40, 'A'), E::kRequestLine},
      {"AMethodWithANul", Line(std::string("GE\0T / HTTP/1.1", 15)), E::kRequestLine},
      {"AMethodWith8Bits", Line("G\xC9T / HTTP/1.1"), E::kRequestLine},
      {"TwoSpacesBeforeTheTarget", Line("GET  /v2/ HTTP/1.1"), E::kTargetForm},
      {"ATabBeforeTheTarget", Line("GET\t/v2/ HTTP/1.1"), E::kRequestLine},
      {"TwoSpacesAfterTheTarget", Line("GET /v2/  HTTP/1.1"), E::kRequestLine},
      {"ATabAfterTheTarget", Line("GET /v2/\tHTTP/1.1"), E::kTargetBytes},
      {"ASpaceAfterTheVersion", Line("GET /v2/ HTTP/1.1 "), E::kRequestLine},
      {"AnythingAfterTheVersion", Line("GET /v2/ HTTP/1.1x"), E::kRequestLine},
      {"NoVersion", "GET /v2/\r\n\r\n", E::kRequestLine},
      {"NoVersionAndABareLf", "GET /v2/\n", E::kRequestLine},
      {"NoTarget", Line("GET HTTP/1.1"), E::kTargetForm},
      {"TheMethodAlone", "GET\r\n\r\n", E::kLineEnding},
      {"ABareLfAfterTheVersion", "GET / HTTP/1.1\nHost: a\r\n\r\n", E::kLineEnding},
      {"ABareCrAfterTheVersion", "GET / HTTP/1.1\rHost: a\r\n\r\n", E::kLineEnding},
      {"ATlsHandshake", Bytes("\x16\x03\x01\x02"), E::kTlsHandshake},
      {"AnSshBanner", "SSH-2.0-x\r\n", E::kLineEnding},
      {"ConnectAsAMethod", Line("CONNECT a:443 HTTP/1.1"), E::kMethod, 405},
      {"TraceAsAMethod", Line("TRACE / HTTP/1.1"), E::kMethod, 405},
      {"OptionsAsAMethod", Line("OPTIONS * HTTP/1.1"), E::kMethod, 405},
      {"AMethodInLowerCase", Line("get / HTTP/1.1"), E::kMethod, 405},
      {"AMethodThatStartsLikeOurs", Line("GETS / HTTP/1.1"), E::kMethod, 405},
      {"AMethodThatIsCutShort", Line("PU / HTTP/1.1"), E::kMethod, 405},
      {"TheHttp2Preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", E::kMethod, 405},
      {"AWebDavMethod", Line("PROPFIND / HTTP/1.1"), E::kMethod, 405},
      {"TheAbsoluteForm", Line("GET http://a/v2/ HTTP/1.1"), E::kTargetForm},
      {"TheAbsoluteFormOfHttps", Line("GET HTTPS://a/v2/ HTTP/1.1"), E::kTargetForm},
      {"TheAuthorityForm", Line("GET a:443 HTTP/1.1"), E::kTargetForm},
      {"TheAsteriskForm", Line("GET * HTTP/1.1"), E::kTargetForm},
      {"ARelativeTarget", Line("GET v2/ HTTP/1.1"), E::kTargetForm},
      {"AQueryAsTheTarget", Line("GET ?a=b HTTP/1.1"), E::kTargetForm},
      {"ABackslashFirst", Line("GET \\v2/ HTTP/1.1"), E::kTargetForm},
      {"AFragment", Line("GET /v2/#x HTTP/1.1"), E::kTargetBytes},
      {"ATargetWith8Bits", Line("GET /v2/\xC3\xA9 HTTP/1.1"), E::kTargetBytes},
      {"ATargetWithANul", Line(std::string("GET /v2/\0 HTTP/1.1", 18)), E::kTargetBytes},
      {"ATargetWithADelete", Line("GET /v2/\x7F HTTP/1.1"), E::kTargetBytes},
      {"ATargetWithAVerticalTab", Line("GET /v2/\x0B HTTP/1.1"), E::kTargetBytes},
      {"ATargetWithAFormFeed", Line("GET /v2/\x0C HTTP/1.1"), E::kTargetBytes},
      {"ATargetWithALineFeed", Line("GET /v2/\n HTTP/1.1"), E::kRequestLine},
      {"ATargetWithACarriageReturn", Line("GET /v2/\r HTTP/1.1"), E::kRequestLine},
      {"ATargetOver16KiB",
       "GET /" + std::string(kMaxRequestLineBytes, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n",
       E::kTargetTooLong,
       414},
      {"ATargetOver16KiBWithoutItsEnd",
       "GET /" + std::string(kMaxRequestLineBytes, 'a'),
       E::kTargetTooLong,
       414},
      {"Http09", Line("GET / HTTP/0.9"), E::kVersion, 505},
      {"Http12", Line("GET / HTTP/1.2"), E::kVersion, 505},
      {"Http2", Line("GET / HTTP/2.0"), E::kVersion, 505},
      {"Http3", Line("GET / HTTP/3"), E::kVersion, 505},
      {"AVersionOfThreeDigits", Line("GET / HTTP/1.10"), E::kRequestLine},
      {"AVersionWithLeadingZero", Line("GET / HTTP/01.1"), E::kVersion, 505},
      {"AVersionInLowerCase", Line("GET / http/1.1"), E::kRequestLine},
      {"AVersionWithoutItsMinorDigit", Line("GET / HTTP/1."), E::kRequestLine},
      {"AVersionWithALetter", Line("GET / HTTP/1.x"), E::kRequestLine},
      {"AnotherProtocol", Line("GET / ICY/1.1"), E::kRequestLine},
      {"AVersionWithASpaceInside", Line("GET / HTTP/ 1.1"), E::kRequestLine},
  };
}

std::vector<RefusedRequest> Fields() {
  using E = HeadError;
  return {
      {"ASpaceBeforeTheColon", Get("Accept : x\r\n"), E::kFieldName},
      {"ATabBeforeTheColon", Get("Accept\t: x\r\n"), E::kFieldName},
      {"ASpaceBeforeTheColonOfTheEncoding", Put("Transfer-Encoding : chunked\r\n"), E::kFieldName},
      {"ASpaceBeforeTheColonOfTheLength", Put("Content-Length : 3\r\n"), E::kFieldName},
      {"ANameWithASpace", Get("X Y: z\r\n"), E::kFieldName},
      {"NoName", Get(": x\r\n"), E::kFieldName},
      {"NoColon", Get("Accept\r\n"), E::kLineEnding},
      {"NoColonAndABareLf", Get("Accept\n"), E::kLineEnding},
      {"ANameWithAnUnderscore", Get("X_Forwarded_For: x\r\n"), E::kFieldName},
      {"AContentLengthWithAnUnderscore", Put("Content_Length: 3\r\n"), E::kFieldName},
      {"ANameInQuotes", Get("\"X\": y\r\n"), E::kFieldName},
      {"ANameWithASlash", Get("a/b: y\r\n"), E::kFieldName},
      {"ANameWithABracket", Get("X[0]: y\r\n"), E::kFieldName},
      {"ANameWith8Bits", Get("X\xC3\xA9: y\r\n"), E::kFieldName},
      {"ANameWithANul", Get(std::string("X\0Y: z\r\n", 8)), E::kFieldName},
      {"ANameWithACarriageReturn", Get("X\rY: z\r\n"), E::kLineEnding},
      {"ANonBreakingSpaceBeforeTheName", Get("\xA0Transfer-Encoding: chunked\r\n"), E::kFieldName},
      {"AFoldedValue", Get("Accept: x\r\n y\r\n"), E::kFolding},
      {"AValueFoldedByATab", Get("Accept: x\r\n\ty\r\n"), E::kFolding},
      {"AFoldedEncoding", Put("Transfer-Encoding: chunked\r\n , identity\r\n"), E::kFolding},
      {"AnEncodingOnTheNextLine", Put("Transfer-Encoding:\r\n chunked\r\n"), E::kTransferEncoding},
      {"WhiteSpaceBeforeTheFirstField", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", E::kFolding},
      {"ALineOfWhiteSpace", Get(" \r\n"), E::kFolding},
      {"AValueEndedByABareLf", Get("Accept: x\nHost: b\r\n"), E::kLineEnding},
      {"AValueWithABareCr", Get("Accept: x\rHost: b\r\n"), E::kLineEnding},
      {"AValueEndedByCrCrLf", Get("Accept: x\r\r\n"), E::kLineEnding},
      {"AHeadEndedByLfLf", "GET / HTTP/1.1\nHost: a\n\n", E::kLineEnding},
      {"AHeadEndedByABareLf", "GET / HTTP/1.1\r\nHost: a\r\n\n", E::kLineEnding},
      {"AHeadEndedByABareCr", "GET / HTTP/1.1\r\nHost: a\r\n\rX", E::kLineEnding},
      {"AValueWithANul", Get(std::string("Accept: x\0y\r\n", 13)), E::kFieldValue},
      {"AValueWithABell", Get("Accept: x\x07y\r\n"), E::kFieldValue},
      {"AValueWithAnEscape", Get("Accept: x\x1B[0m\r\n"), E::kFieldValue},
      {"AValueWithADelete", Get("Accept: x\x7F\r\n"), E::kFieldValue},
      {"AValueWithAVerticalTab", Get("Accept:\x0Bx\r\n"), E::kFieldValue},
      {"AValueWith8Bits", Get("Accept: caf\xC3\xA9\r\n"), E::kFieldValue},
      {"ALongValueWithALateControlByte",
       Get("Accept: " + std::string(37, 'x') + "\x01" + std::string(9, 'x') + "\r\n"),
       E::kFieldValue},
      {"ALongValueWithALate8BitByte",
       Get("Accept: " + std::string(21, 'x') + "\x80" + std::string(9, 'x') + "\r\n"),
       E::kFieldValue},
      {"ARepeatedAuthorization",
       Get("Authorization: a\r\nAuthorization: a\r\n"),
       E::kRepeatedField},
      {"ARepeatedContentType",
       Put("Content-Type: application/json\r\nContent-type: text/plain\r\n"),
       E::kRepeatedField},
      {"ARepeatedContentRange",
       Put("Content-Range: 0-1\r\nContent-Range: 0-1\r\n"),
       E::kRepeatedField},
      {"ARepeatedRange", Get("Range: bytes=0-1\r\nRange: bytes=2-3\r\n"), E::kRepeatedField},
      {"ARepeatedExpect",
       Put("Expect: 100-continue\r\nExpect: 100-continue\r\n"),
       E::kRepeatedField},
      {"AnotherExpectation", Put("Expect: 200-ok\r\n"), E::kExpectation, 417},
      {"AnExpectationInAList", Put("Expect: 100-continue, x\r\n"), E::kExpectation, 417},
      {"AnEmptyExpectation", Put("Expect:\r\n"), E::kExpectation, 417},
  };
}

std::vector<RefusedRequest> Hosts() {
  using E = HeadError;
  const auto host = [](const std::string& value) {
    return "GET / HTTP/1.1\r\nHost:" + value + "\r\n\r\n";
  };
  return {
      {"NoHost", "GET / HTTP/1.1\r\n\r\n", E::kHost},
      {"NoHostInHttp10", "GET / HTTP/1.0\r\n\r\n", E::kHost},
      {"ARepeatedHost", Get("Host: a\r\n"), E::kHost},
      {"TwoDifferentHosts", Get("Host: b\r\n"), E::kHost},
      {"AnEmptyHost", host(""), E::kHost},
      {"AHostOfASpace", host(" "), E::kHost},
      {"AHostWithASpace", host(" a b"), E::kHost},
      {"AHostWithAPath", host(" a/b"), E::kHost},
      {"AHostWithAScheme", host(" http://a"), E::kHost},
      {"AHostWithUserInformation", host(" u@a"), E::kHost},
      {"AHostWithAComma", host(" a,b"), E::kHost},
      {"AHostWithAPercent", host(" a%2e"), E::kHost},
      {"AHostWithAQuestionMark", host(" a?b"), E::kHost},
      {"AHostWithAHash", host(" a#b"), E::kHost},
      {"AHostWithTwoPorts", host(" a:1:2"), E::kHost},
      {"AnEmptyPort", host(" a:"), E::kHost},
      {"APortThatIsNoNumber", host(" a:x"), E::kHost},
      {"ANegativePort", host(" a:-1"), E::kHost},
      {"APortOver65535", host(" a:65536"), E::kHost},
      {"APortOfSixDigits", host(" a:000080"), E::kHost},
      {"APortAlone", host(" :80"), E::kHost},
      {"AnUnclosedBracket", host(" [::1"), E::kHost},
      {"EmptyBrackets", host(" []"), E::kHost},
      {"BracketsAroundAName", host(" [www]"), E::kHost},
      {"TextAfterBrackets", host(" [::1]x"), E::kHost},
      {"AHostOver253Bytes", host(" " + std::string(254, 'a')), E::kHost},
  };
}

std::vector<RefusedRequest> Framings() {
  using E = HeadError;
  const auto length = [](const std::string& value) {
    return Put("Content-Length:" + value + "\r\n");
  };
  const auto encoding = [](const std::string& value) {
    return Put("Transfer-Encoding:" + value + "\r\n");
  };
  return {
      {"BothFramings",
       Put("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"),
       E::kBothFramings},
      {"BothFramingsInTheOtherOrder",
       Put("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"),
       E::kBothFramings},
      {"BothFramingsWithALengthOfZero",
       Put("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n"),
       E::kBothFramings},
      {"TwoEqualLengths", Put("Content-Length: 3\r\nContent-Length: 3\r\n"), E::kContentLength},
      {"TwoDifferentLengths", Put("Content-Length: 3\r\nContent-Length: 4\r\n"), E::kContentLength},
      {"TwoLengthsInDifferentCase",
       Put("Content-Length: 3\r\ncontent-length: 3\r\n"),
       E::kContentLength},
      {"AListOfEqualLengths", length(" 3, 3"), E::kContentLength},
      {"AnEmptyLength", length(""), E::kContentLength},
      {"APositiveSign", length(" +3"), E::kContentLength},
      {"ANegativeLength", length(" -3"), E::kContentLength},
      {"AHexadecimalLength", length(" 0x3"), E::kContentLength},
      {"AnUnderscoreInTheLength", length(" 1_0"), E::kContentLength},
      {"ASpaceInTheLength", length(" 1 0"), E::kContentLength},
      {"AFractionalLength", length(" 3.0"), E::kContentLength},
      {"AnExponentInTheLength", length(" 1e3"), E::kContentLength},
      {"ALengthInQuotes", length(" \"3\""), E::kContentLength},
      {"ALengthOf19Digits", length(" 1000000000000000000"), E::kContentLength},
      {"ALengthThatWouldWrap", length(" 18446744073709551619"), E::kContentLength},
      {"AnotherEncoding", encoding(" gzip"), E::kTransferEncoding},
      {"TheIdentityEncoding", encoding(" identity"), E::kTransferEncoding},
      {"AnEmptyEncoding", encoding(""), E::kTransferEncoding},
      {"ChunkedTwice", encoding(" chunked, chunked"), E::kTransferEncoding},
      {"ChunkedAfterAnother", encoding(" gzip, chunked"), E::kTransferEncoding},
      {"ChunkedBeforeAnother", encoding(" chunked, identity"), E::kTransferEncoding},
      {"ChunkedAfterAComma", encoding(" ,chunked"), E::kTransferEncoding},
      {"ChunkedBeforeAComma", encoding(" chunked,"), E::kTransferEncoding},
      {"ChunkedWithALetterBefore", encoding(" xchunked"), E::kTransferEncoding},
      {"ChunkedWithALetterAfter", encoding(" chunkedx"), E::kTransferEncoding},
      {"ChunkedInQuotes", encoding(" \"chunked\""), E::kTransferEncoding},
      {"ChunkedWithAParameter", encoding(" chunked;x=1"), E::kTransferEncoding},
      {"ChunkedAfterAVerticalTab",
       encoding(" \x0B"
                "chunked"),
       E::kFieldValue},
      {"ChunkedAfterANonBreakingSpace",
       encoding(" \xA0"
                "chunked"),
       E::kFieldValue},
      {"TwoEncodings",
       Put("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
       E::kTransferEncoding},
      {"TwoEncodingsOfWhichOneIsIdentity",
       Put("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"),
       E::kTransferEncoding},
      {"ChunkedInHttp10",
       "PUT / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
       E::kTransferEncoding},
      {"ABodyOnGet", Get("Content-Length: 1\r\n"), E::kUnexpectedBody},
      {"AChunkedBodyOnGet", Get("Transfer-Encoding: chunked\r\n"), E::kUnexpectedBody},
      {"ABodyOnHead",
       "HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n",
       E::kUnexpectedBody},
      {"ABodyOnDelete",
       "DELETE / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n",
       E::kUnexpectedBody},
      {"AChunkedBodyOnDelete",
       "DELETE / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
       E::kUnexpectedBody},
      {"AChunkedBodyOnHead",
       "HEAD / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
       E::kUnexpectedBody},
  };
}

std::vector<RefusedRequest> Limits() {
  using E = HeadError;
  std::string many;
  for (std::size_t i = 0; i < kMaxHeaderFields; ++i) {
    many += "X: y\r\n";
  }
  const std::string big = "X: " + std::string(kMaxHeadBytes, 'x');
  return {
      {"Over100Fields", Get(many), E::kTooManyFields, 431},
      {"AHeadOver48KiB", Get(big + "\r\n"), E::kHeadTooLarge, 431},
      {"AHeadOver48KiBWithoutItsEnd", "GET / HTTP/1.1\r\nHost: a\r\n" + big, E::kHeadTooLarge, 431},
  };
}

std::string NameOf(const ::testing::TestParamInfo<RefusedRequest>& row) {
  return row.param.name;
}

INSTANTIATE_TEST_SUITE_P(RequestLine,
                         ParseRequestHeadRefuses,
                         ::testing::ValuesIn(RequestLines()),
                         NameOf);
INSTANTIATE_TEST_SUITE_P(Field, ParseRequestHeadRefuses, ::testing::ValuesIn(Fields()), NameOf);
INSTANTIATE_TEST_SUITE_P(Host, ParseRequestHeadRefuses, ::testing::ValuesIn(Hosts()), NameOf);
INSTANTIATE_TEST_SUITE_P(Framing, ParseRequestHeadRefuses, ::testing::ValuesIn(Framings()), NameOf);
INSTANTIATE_TEST_SUITE_P(Limit, ParseRequestHeadRefuses, ::testing::ValuesIn(Limits()), NameOf);

}  // namespace
}  // namespace connector::http
