#include "dataplane/oci/errors.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <string_view>

namespace connector::dataplane::oci {
namespace {

struct Row {
  std::string_view name;
  Situation situation;
  int status;
  std::string_view code;
  bool retry_after;
  bool close;

  friend void PrintTo(const Row& row, std::ostream* os) { *os << row.name; }
};

class ReplyForSituation : public ::testing::TestWithParam<Row> {};

TEST_P(ReplyForSituation, FollowsTheTable) {
  const ErrorReply reply = ReplyFor(GetParam().situation);
  EXPECT_EQ(reply.status, GetParam().status);
  EXPECT_EQ(reply.code, GetParam().code);
  EXPECT_EQ(reply.retry_after > std::chrono::seconds{0}, GetParam().retry_after);
  EXPECT_EQ(reply.challenge, GetParam().status == 401);
  EXPECT_EQ(reply.close, GetParam().close);
  EXPECT_TRUE(reply.message.ends_with('.')) << reply.message;
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    ReplyForSituation,
    ::testing::Values(
        Row{"BadRequest", Situation::kBadRequest, 400, "UNSUPPORTED", false, true},
        Row{"NameInvalid", Situation::kNameInvalid, 400, "NAME_INVALID", false, false},
        Row{"TagInvalid", Situation::kTagInvalid, 400, "TAG_INVALID", false, false},
        Row{"DigestInvalid", Situation::kDigestInvalid, 400, "DIGEST_INVALID", false, false},
        Row{"PageInvalid", Situation::kPageInvalid, 400, "PAGINATION_NUMBER_INVALID", false, false},
        Row{"QueryInvalid", Situation::kQueryInvalid, 400, "UNSUPPORTED", false, false},
        Row{"Unauthenticated", Situation::kUnauthenticated, 401, "UNAUTHORIZED", false, false},
        Row{"Denied", Situation::kDenied, 403, "DENIED", false, false},
        Row{"UpstreamRefused", Situation::kUpstreamRefused, 403, "DENIED", false, false},
        Row{"NoSuchEndpoint", Situation::kNoSuchEndpoint, 404, "NAME_UNKNOWN", false, false},
        Row{"ConnectorUnknown", Situation::kConnectorUnknown, 404, "NAME_UNKNOWN", false, false},
        Row{"UploadUnknown", Situation::kUploadUnknown, 404, "BLOB_UPLOAD_UNKNOWN", false, false},
        Row{"MethodUnsupported", Situation::kMethodUnsupported, 405, "UNSUPPORTED", false, false},
        Row{"ManifestTooLarge", Situation::kManifestTooLarge, 413, "SIZE_INVALID", false, true},
        Row{"ContentType", Situation::kContentType, 415, "UNSUPPORTED", false, false},
        Row{"RateLimited", Situation::kRateLimited, 429, "TOOMANYREQUESTS", true, false},
        Row{"Internal", Situation::kInternal, 500, "UNKNOWN", false, false},
        Row{"UpstreamUnavailable", Situation::kUpstreamUnavailable, 502, "UNKNOWN", false, false},
        Row{"RedirectRefused", Situation::kRedirectRefused, 502, "UNKNOWN", false, false},
        Row{"Overloaded", Situation::kOverloaded, 503, "UNAVAILABLE", true, false},
        Row{"BrokerUnavailable", Situation::kBrokerUnavailable, 503, "UNAVAILABLE", true, false},
        Row{"UpstreamTimeout", Situation::kUpstreamTimeout, 504, "UNKNOWN", false, false}),
    [](const auto& row) { return std::string(row.param.name); });

struct DenialRow {
  std::string_view name;
  Denial denial;
  int status;
  bool keeps_message;

  friend void PrintTo(const DenialRow& row, std::ostream* os) { *os << row.name; }
};

class ReplyForDenial : public ::testing::TestWithParam<DenialRow> {};

TEST_P(ReplyForDenial, FollowsTheTable) {
  const ErrorReply reply =
      ReplyFor(GetParam().denial, "The broker's sentence.", std::chrono::seconds{7});
  EXPECT_EQ(reply.status, GetParam().status);
  EXPECT_EQ(reply.message == "The broker's sentence.", GetParam().keeps_message);
  EXPECT_EQ(reply.retry_after == std::chrono::seconds{7}, GetParam().keeps_message);
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    ReplyForDenial,
    ::testing::Values(
        DenialRow{
            "CallerUnauthenticatedSaysNothingOfWhy", Denial::kCallerUnauthenticated, 401, false},
        DenialRow{"ConnectorNotFoundSaysNothingOfWhy", Denial::kConnectorNotFound, 404, false},
        DenialRow{"AccessDenied", Denial::kAccessDenied, 403, true},
        DenialRow{"SecretUnavailable", Denial::kSecretUnavailable, 503, true},
        DenialRow{"UpstreamRefused", Denial::kUpstreamRefused, 403, true},
        DenialRow{"UpstreamUnavailable", Denial::kUpstreamUnavailable, 502, true},
        DenialRow{"UpstreamTimeout", Denial::kUpstreamTimeout, 504, true},
        DenialRow{"RateLimited", Denial::kRateLimited, 429, true},
        DenialRow{"AuditUnavailable", Denial::kAuditUnavailable, 503, true},
        DenialRow{"IdentityUnavailable", Denial::kIdentityUnavailable, 503, true},
        DenialRow{"InvalidRequest", Denial::kInvalidRequest, 400, true},
        DenialRow{"Unspecified", Denial::kUnspecified, 500, true}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(ReplyFor, TakesStatusAndSentenceOfAHeadFailureAndCloses) {
  const ErrorReply reply =
      ReplyFor(http::HeadFailure{405, http::HeadError::kMethod, "Use another method."});
  EXPECT_EQ(reply.status, 405);
  EXPECT_EQ(reply.message, "Use another method.");
  EXPECT_EQ(reply.allow, "GET, HEAD, POST, PATCH, PUT, DELETE");
  EXPECT_TRUE(reply.close);
}

TEST(ReplyFor, TakesCodeAndAllowOfATargetError) {
  const auto error =
      std::get<route::TargetError>(route::ParseTarget(http::Method::kPut, "/v2/a/tags/list"));
  const ErrorReply reply = ReplyFor(error);
  EXPECT_EQ(reply.status, 405);
  EXPECT_EQ(reply.allow, "GET, HEAD");
  EXPECT_FALSE(reply.close);
}

TEST(ReplyFor, KnowsEveryRequestRefusal) {
  EXPECT_EQ(ReplyFor(RequestRefusal::kBodyNotAllowed).status, 400);
  EXPECT_EQ(ReplyFor(RequestRefusal::kContentType).status, 415);
  EXPECT_EQ(ReplyFor(RequestRefusal::kContentTypeMissing).code, "MANIFEST_INVALID");
  EXPECT_EQ(ReplyFor(RequestRefusal::kManifestTooLarge).status, 413);
}

TEST(ReplaceUpstreamStatus, NeverRelaysAChallengeOrARedirect) {
  EXPECT_EQ(ReplaceUpstreamStatus(401), Situation::kUpstreamRefused);
  EXPECT_EQ(ReplaceUpstreamStatus(403), Situation::kUpstreamRefused);
  EXPECT_EQ(ReplaceUpstreamStatus(407), Situation::kUpstreamUnavailable);
  EXPECT_EQ(ReplaceUpstreamStatus(103), Situation::kUpstreamUnavailable);
  for (const int status : {300, 301, 302, 303, 307, 308}) {
    EXPECT_EQ(ReplaceUpstreamStatus(status), Situation::kRedirectRefused) << status;
  }
  for (const int status : {200, 202, 206, 304, 400, 404, 416, 429, 500, 503}) {
    EXPECT_EQ(ReplaceUpstreamStatus(status), std::nullopt) << status;
  }
}

TEST(ErrorBody, EscapesWhatJsonAndHtmlWouldActOn) {
  EXPECT_EQ(ErrorBody("DENIED", "a \"b\" \\ \n\x01 <i>&\xC3\xA9\x7F"),
            "{\"errors\":[{\"code\":\"DENIED\",\"message\":\"a \\\"b\\\" \\\\ \\u000a\\u0001 "
            "\\u003ci\\u003e\\u0026???\"}]}\n");
}

TEST(ErrorBody, CutsALongMessage) {
  EXPECT_EQ(ErrorBody("X", std::string(5000, 'a')), ErrorBody("X", std::string(1024, 'a')));
}

TEST(AppendErrorReply, WritesHeadAndBody) {
  std::string out;
  AppendErrorReply(out, ReplyFor(Situation::kUnauthenticated, "Log in."), {.request_id = "r1"});
  EXPECT_EQ(out,
            "HTTP/1.1 401 Unauthorized\r\n"
            "Content-Type: application/json\r\n"
            "Docker-Distribution-Api-Version: registry/2.0\r\n"
            "WWW-Authenticate: Basic realm=\"oci-connector\"\r\n"
            "Content-Length: 57\r\n"
            "X-Request-Id: r1\r\n"
            "\r\n"
            "{\"errors\":[{\"code\":\"UNAUTHORIZED\",\"message\":\"Log in.\"}]}\n");
}

TEST(AppendErrorReply, SaysWhenToComeBackAndWhatIsAllowed) {
  std::string out;
  ErrorReply reply = ReplyFor(Situation::kOverloaded);
  reply.allow = "GET";
  AppendErrorReply(out, reply, {});
  EXPECT_NE(out.find("\r\nRetry-After: 5\r\n"), std::string::npos);
  EXPECT_NE(out.find("\r\nAllow: GET\r\n"), std::string::npos);
}

TEST(AppendErrorReply, WritesNoBodyToAHead) {
  std::string out;
  AppendErrorReply(out, ReplyFor(Situation::kDenied), {.head_request = true});
  EXPECT_TRUE(out.ends_with("\r\n\r\n"));
  EXPECT_EQ(out.find("Content-Length: 0"), std::string::npos);
}

TEST(AppendErrorReply, ClosesWhereTheReplyOrTheCallerSaysSo) {
  std::string by_reply;
  AppendErrorReply(by_reply, ReplyFor(Situation::kBadRequest), {});
  std::string by_caller;
  AppendErrorReply(by_caller, ReplyFor(Situation::kDenied), {.keep_alive = false});

  EXPECT_NE(by_reply.find("\r\nConnection: close\r\n"), std::string::npos);
  EXPECT_NE(by_caller.find("\r\nConnection: close\r\n"), std::string::npos);
}

TEST(AppendPingReply, IsAnEmptyJsonObject) {
  std::string out;
  AppendPingReply(out, {});
  EXPECT_EQ(out,
            "HTTP/1.1 200 OK\r\n"
            "Content-Type: application/json\r\n"
            "Docker-Distribution-Api-Version: registry/2.0\r\n"
            "Content-Length: 2\r\n"
            "\r\n"
            "{}");
}

TEST(TlsOnPlainPortReply, IsAWholeHttpResponse) {
  http::ResponseHead head;
  const std::string_view reply = TlsOnPlainPortReply();
  const http::HeadResult result = http::ParseResponseHead(reply, http::Method::kGet, head);
  ASSERT_EQ(result.status, http::HeadStatus::kComplete);
  EXPECT_EQ(head.status, 400);
  EXPECT_EQ(head.content_length, reply.size() - result.consumed_bytes);
  EXPECT_FALSE(head.keep_alive);
}

}  // namespace
}  // namespace connector::dataplane::oci
