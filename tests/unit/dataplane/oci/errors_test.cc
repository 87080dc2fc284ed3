#include "dataplane/oci/errors.h"

#include "tests/support/cpp/source_tree.h"

#include <gtest/gtest.h>

#include <fstream>
#include <ostream>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace connector::dataplane::oci {
namespace {

std::vector<std::string> Cells(const std::string& line) {
  std::vector<std::string> cells;
  std::istringstream in(line);
  for (std::string cell; std::getline(in, cell, '|');) {
    const std::size_t begin = cell.find_first_not_of(' ');
    const std::size_t end = cell.find_last_not_of(' ');
    cells.push_back(begin == std::string::npos ? "" : cell.substr(begin, end - begin + 1));
  }
  return cells;
}

// "`REASON` STATUS CODE SENTENCE" of each row of the table of reasons.
std::vector<std::string> RowsOfThePage() {
  std::ifstream page(testing_support::SourcePath("docs/errors.md"));
  std::vector<std::string> rows;
  for (std::string line; std::getline(page, line);) {
    const std::vector<std::string> cells = Cells(line);
    if (line.starts_with("| `CONNECTOR") && cells.size() >= 6 && !cells[5].empty()) {
      rows.push_back(cells[1] + " " + cells[2] + " " + cells[3] + " " + cells[4]);
    }
  }
  return rows;
}

// The last situation is followed by one without a reason.
std::vector<ErrorReply> EveryReply() {
  std::vector<ErrorReply> replies;
  for (int i = 0;; ++i) {
    ErrorReply reply = ReplyFor(static_cast<ErrorKind>(i));
    if (reply.reason.empty()) {
      return replies;
    }
    replies.push_back(std::move(reply));
  }
}

TEST(EverySituation, StandsInDocsErrorsWithItsReasonStatusCodeAndSentence) {
  std::vector<std::string> rows;
  for (const ErrorReply& reply : EveryReply()) {
    rows.push_back("`" + std::string(reply.reason) + "` " + std::to_string(reply.status) + " " +
                   std::string(reply.code) + " " + reply.message);
  }
  EXPECT_EQ(rows, RowsOfThePage());
}

TEST(EverySituation, HasAReasonOfItsOwn) {
  std::set<std::string_view> reasons;
  for (const ErrorReply& reply : EveryReply()) {
    EXPECT_TRUE(reasons.insert(reply.reason).second) << reply.reason;
    EXPECT_TRUE(reply.reason.starts_with("CONNECTOR_")) << reply.reason;
  }
}

TEST(EverySituation, HasTheFieldsOfItsStatus) {
  for (const ErrorReply& reply : EveryReply()) {
    EXPECT_EQ(reply.retry_after > std::chrono::seconds{0},
              reply.status == 429 || reply.status == 503)
        << reply.reason;
    EXPECT_EQ(reply.challenge, reply.status == 401) << reply.reason;
  }
}

TEST(EverySituation, ClosesOnlyWhereTheRequestCannotBeReadToItsEnd) {
  std::set<std::string_view> closing;
  for (const ErrorReply& reply : EveryReply()) {
    if (reply.close) {
      closing.insert(reply.reason);
    }
  }
  EXPECT_EQ(closing,
            (std::set<std::string_view>{"CONNECTOR_REQUEST_MALFORMED",
                                        "CONNECTOR_TLS_ON_PLAIN_PORT",
                                        "CONNECTOR_MANIFEST_TOO_LARGE"}));
}

struct DenialRow {
  std::string_view name;
  DenialReason denial;
  std::string_view reason;
  bool keeps_message;

  friend void PrintTo(const DenialRow& row, std::ostream* os) { *os << row.name; }
};

class ReplyForDenial : public ::testing::TestWithParam<DenialRow> {};

TEST_P(ReplyForDenial, FollowsTheTable) {
  const ErrorReply reply =
      ReplyFor(GetParam().denial, "The broker's sentence.", std::chrono::seconds{7});
  EXPECT_EQ(reply.reason, GetParam().reason);
  EXPECT_EQ(reply.message == "The broker's sentence.", GetParam().keeps_message);
  EXPECT_EQ(reply.retry_after == std::chrono::seconds{7}, GetParam().keeps_message);
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    ReplyForDenial,
    ::testing::Values(
        DenialRow{"CallerUnauthenticatedSaysNothingOfWhy",
                  DenialReason::kCallerUnauthenticated,
                  "CONNECTOR_UNAUTHENTICATED",
                  false},
        DenialRow{"ConnectorNotFoundSaysNothingOfWhy",
                  DenialReason::kConnectorNotFound,
                  "CONNECTOR_UNKNOWN",
                  false},
        DenialRow{"AccessDenied", DenialReason::kAccessDenied, "CONNECTOR_ACCESS_DENIED", true},
        DenialRow{"DeniedByOperator",
                  DenialReason::kDeniedByOperator,
                  "CONNECTOR_DENIED_BY_OPERATOR",
                  true},
        DenialRow{"SecretUnavailable",
                  DenialReason::kSecretUnavailable,
                  "CONNECTOR_SECRET_UNAVAILABLE",
                  true},
        DenialRow{"UpstreamRefused",
                  DenialReason::kUpstreamRefused,
                  "CONNECTOR_CREDENTIAL_REFUSED",
                  true},
        DenialRow{"UpstreamUnavailable",
                  DenialReason::kUpstreamUnavailable,
                  "CONNECTOR_UPSTREAM_UNAVAILABLE",
                  true},
        DenialRow{
            "UpstreamTimeout", DenialReason::kUpstreamTimeout, "CONNECTOR_UPSTREAM_TIMEOUT", true},
        DenialRow{"RateLimited", DenialReason::kRateLimited, "CONNECTOR_RATE_LIMITED", true},
        DenialRow{"AuditUnavailable",
                  DenialReason::kAuditUnavailable,
                  "CONNECTOR_AUDIT_UNAVAILABLE",
                  true},
        DenialRow{"IdentityUnavailable",
                  DenialReason::kIdentityUnavailable,
                  "CONNECTOR_IDENTITY_UNAVAILABLE",
                  true},
        DenialRow{"InvalidRequest", DenialReason::kInvalidRequest, "CONNECTOR_NAME_INVALID", true},
        DenialRow{"BrokerUnavailable",
                  DenialReason::kBrokerUnavailable,
                  "CONNECTOR_BROKER_UNAVAILABLE",
                  true},
        DenialRow{"Unspecified", DenialReason::kUnspecified, "CONNECTOR_INTERNAL", true}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(ReplyFor, TakesStatusAndSentenceOfAHeadFailureAndCloses) {
  const ErrorReply reply =
      ReplyFor(http::HeadFailure{405, http::HeadError::kMethod, "Use another method."});
  EXPECT_EQ(reply.status, 405);
  EXPECT_EQ(reply.reason, "CONNECTOR_REQUEST_MALFORMED");
  EXPECT_EQ(reply.message, "Use another method.");
  EXPECT_EQ(reply.allow, "GET, HEAD, POST, PATCH, PUT, DELETE");
  EXPECT_TRUE(reply.close);
}

TEST(ReplyFor, TellsATlsHandshakeWhatToDo) {
  const http::HeadFailure failure{400, http::HeadError::kTlsHandshake, "A handshake came."};
  EXPECT_EQ(ReplyFor(failure), ReplyFor(ErrorKind::kTlsOnPlainPort));
}

TEST(ReplyFor, TakesCodeAndAllowOfATargetError) {
  const auto error = std::get<addressing::TargetError>(
      addressing::ParseTarget(http::Method::kPut, "/v2/a/tags/list"));
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

TEST(ErrorBody, EscapesWhatJsonAndHtmlWouldActOn) {
  EXPECT_EQ(ErrorBody("DENIED", "a \"b\" \\ \n\x01 <i>&\xC3\xA9\x7F", "R"),
            "{\"errors\":[{\"code\":\"DENIED\",\"message\":\"a \\\"b\\\" \\\\ \\u000a\\u0001 "
            "\\u003ci\\u003e\\u0026???\",\"detail\":\"R\"}]}\n");
}

TEST(ErrorBody, CutsALongMessage) {
  EXPECT_EQ(ErrorBody("X", std::string(5000, 'a'), "R"),
            ErrorBody("X", std::string(1024, 'a'), "R"));
}

TEST(AppendErrorReply, WritesHeadAndBody) {
  std::string out;
  AppendErrorReply(out, ReplyFor(ErrorKind::kUnauthenticated, "Log in."), {.request_id = "r1"});
  EXPECT_EQ(out,
            "HTTP/1.1 401 Unauthorized\r\n"
            "Content-Type: application/json\r\n"
            "Docker-Distribution-Api-Version: registry/2.0\r\n"
            "WWW-Authenticate: Basic realm=\"oci-connector\"\r\n"
            "Content-Length: 94\r\n"
            "X-Request-Id: r1\r\n"
            "\r\n"
            "{\"errors\":[{\"code\":\"UNAUTHORIZED\",\"message\":\"Log in.\",\"detail\":"
            "\"CONNECTOR_UNAUTHENTICATED\"}]}\n");
}

TEST(AppendErrorReply, SaysWhenToComeBackAndWhatIsAllowed) {
  std::string out;
  ErrorReply reply = ReplyFor(ErrorKind::kOverloaded);
  reply.allow = "GET";
  AppendErrorReply(out, reply, {});
  EXPECT_NE(out.find("\r\nRetry-After: 5\r\n"), std::string::npos);
  EXPECT_NE(out.find("\r\nAllow: GET\r\n"), std::string::npos);
}

TEST(AppendErrorReply, WritesNoBodyToAHead) {
  std::string out;
  AppendErrorReply(out, ReplyFor(ErrorKind::kDenied), {.head_request = true});
  EXPECT_TRUE(out.ends_with("\r\n\r\n"));
  EXPECT_EQ(out.find("Content-Length: 0"), std::string::npos);
}

TEST(AppendErrorReply, WarnsInTheAnswerToAHeadOnly) {
  const ErrorReply reply = ReplyFor(ErrorKind::kDenied, "No \"x\"\r\n\xC3\\.");
  std::string head;
  AppendErrorReply(head, reply, {.head_request = true});
  std::string get;
  AppendErrorReply(get, reply, {});

  EXPECT_NE(head.find("\r\nWarning: 299 - \"No \\\"x\\\"???\\\\. (CONNECTOR_ACCESS_DENIED)\"\r\n"),
            std::string::npos)
      << head;
  EXPECT_EQ(get.find("Warning"), std::string::npos);
}

TEST(AppendErrorReply, DoesNotWarnOfAChallengeThatClientsExpect) {
  std::string out;
  AppendErrorReply(out, ReplyFor(ErrorKind::kUnauthenticated), {.head_request = true});
  EXPECT_EQ(out.find("Warning"), std::string::npos);
}

TEST(AppendErrorReply, ClosesWhereTheReplyOrTheCallerSaysSo) {
  std::string by_reply;
  AppendErrorReply(by_reply, ReplyFor(ErrorKind::kBadRequest), {});
  std::string by_caller;
  AppendErrorReply(by_caller, ReplyFor(ErrorKind::kDenied), {.keep_alive = false});

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

}  // namespace
}  // namespace connector::dataplane::oci
