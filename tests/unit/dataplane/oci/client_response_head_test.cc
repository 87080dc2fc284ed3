// What a client sees of a registry's response.

#include "dataplane/oci/headers.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>

namespace connector::dataplane::oci {
namespace {

using http::BodyFraming;

class Upstream {
 public:
  explicit Upstream(const std::string& fields, const std::string& status = "200 OK")
      : raw_("HTTP/1.1 " + status + "\r\n" + fields + "\r\n") {
    const http::HeadResult result = http::ParseResponseHead(raw_, http::Method::kHead, head_);
    EXPECT_EQ(result.status, http::HeadStatus::kComplete) << result.error.sentence;
  }
  [[nodiscard]] const http::ResponseHead& head() const { return head_; }

 private:
  std::string raw_;
  http::ResponseHead head_;
};

ClientResponse From(const Upstream& upstream) {
  ClientResponse response{.upstream = upstream.head()};
  response.status = upstream.head().status;
  return response;
}

std::string Write(const ClientResponse& response) {
  std::string out;
  AppendClientResponseHead(out, response);
  return out;
}

bool Holds(const std::string& head, std::string_view line) {
  return head.find("\r\n" + std::string(line) + "\r\n") != std::string::npos;
}

TEST(AppendClientResponseHead, WritesTheWholeHeadFromAllowedParts) {
  const Upstream upstream(
      "Content-Type: application/vnd.oci.image.index.v1+json\r\nContent-Length: 525\r\n"
      "Docker-Content-Digest: sha256:ab\r\nDocker-Distribution-Api-Version: registry/2.0\r\n"
      "Etag: \"x\"\r\nDate: today\r\nLast-Modified: then\r\nCache-Control: no-store\r\n"
      "Accept-Ranges: bytes\r\nOCI-Subject: sha256:cd\r\nRateLimit-Limit: 100;w=21600\r\n"
      "Retry-After: 3\r\nWarning: 299 - \"x\"\r\nRange: 0-9\r\n");
  ClientResponse response = From(upstream);
  response.framing = {BodyFraming::kContentLength, 525};
  response.request_id = "r1";

  EXPECT_EQ(Write(response),
            "HTTP/1.1 200 OK\r\n"
            "Content-Type: application/vnd.oci.image.index.v1+json\r\n"
            "Docker-Content-Digest: sha256:ab\r\n"
            "Etag: \"x\"\r\n"
            "Date: today\r\n"
            "Last-Modified: then\r\n"
            "Cache-Control: no-store\r\n"
            "Accept-Ranges: bytes\r\n"
            "OCI-Subject: sha256:cd\r\n"
            "RateLimit-Limit: 100;w=21600\r\n"
            "Retry-After: 3\r\n"
            "Warning: 299 - \"x\"\r\n"
            "Range: 0-9\r\n"
            "X-Request-Id: r1\r\n"
            "Docker-Distribution-Api-Version: registry/2.0\r\n"
            "Content-Length: 525\r\n"
            "\r\n");
}

TEST(AppendClientResponseHead, DropsWhatIsNotAllowed) {
  const Upstream upstream(
      "WWW-Authenticate: Bearer realm=\"https://auth\"\r\nSet-Cookie: sid=x\r\n"
      "Location: https://internal/v2/a\r\nLink: <https://internal/v2/a>; rel=\"next\"\r\n"
      "Content-Location: https://internal/x\r\nX-Registry-Supports-Signatures: 1\r\n"
      "Alt-Svc: h3\r\nStrict-Transport-Security: max-age=1\r\nServer: x\r\nVia: x\r\n"
      "docker-ratelimit-source: 10.0.0.1\r\nx-amz-request-id: x\r\nDocker-Upload-UUID: theirs\r\n"
      "Connection: x\r\nKeep-Alive: x\r\nUpgrade: x\r\nX-Request-Id: theirs\r\nTrailer: x\r\n"
      "Proxy-Authenticate: x\r\nAuthorization: x\r\nRefresh: 0\r\n");

  EXPECT_EQ(Write(From(upstream)),
            "HTTP/1.1 200 OK\r\n"
            "Docker-Distribution-Api-Version: registry/2.0\r\n"
            "Content-Length: 0\r\n"
            "\r\n");
}

TEST(AppendClientResponseHead, WritesOurOwnLocationLinkUuidAndNamespace) {
  const Upstream upstream("Docker-Upload-UUID: theirs\r\nOCI-Namespace: theirs\r\n",
                          "202 Accepted");
  ClientResponse response = From(upstream);
  response.location = "/v2/a/blobs/uploads/x";
  response.link = "</v2/a/tags/list?last=b>; rel=\"next\"";
  response.upload_uuid = "ours";
  response.oci_namespace = "docker.io";
  const std::string head = Write(response);

  EXPECT_TRUE(Holds(head, "Location: /v2/a/blobs/uploads/x"));
  EXPECT_TRUE(Holds(head, "Link: </v2/a/tags/list?last=b>; rel=\"next\""));
  EXPECT_TRUE(Holds(head, "Docker-Upload-UUID: ours"));
  EXPECT_TRUE(Holds(head, "OCI-Namespace: docker.io"));
  EXPECT_EQ(head.find("theirs"), std::string::npos);
}

TEST(AppendClientResponseHead, DropsEveryFieldThatHoldsTheCredential) {
  const NoEcho no_echo("tok-3n.abc");
  const http::Origin origin{true, "reg.example.com", 443};
  const Asked asked{origin, "/v2/tok-3n.abc/manifests/v1", {}};
  const Upstream upstream(
      "Etag: \"tok-3n.abc\"\r\nWarning: 299 - \"sent tok-3n.abc to you\"\r\n"
      "OCI-X: tok%2D3n%2eabc\r\nDocker-tok-3n.abc: x\r\nCache-Control: no-store\r\n");
  ClientResponse response = From(upstream);
  response.echo = EchoSearch(no_echo, asked);
  const std::string head = Write(response);

  EXPECT_EQ(head.find("3n"), std::string::npos) << head;
  EXPECT_TRUE(Holds(head, "Cache-Control: no-store"));
}

TEST(AppendClientResponseHead, DropsAValueWith8BitBytes) {
  const Upstream upstream("Content-Disposition: \xC3\xA9\r\nContent-Language: en\r\n");
  const std::string head = Write(From(upstream));

  EXPECT_EQ(head.find("Content-Disposition"), std::string::npos);
  EXPECT_TRUE(Holds(head, "Content-Language: en"));
}

TEST(AppendClientResponseHead, PassesAtMost4KiBOfWarnings) {
  const std::string half(kMaxWarningBytes / 2, 'w');
  const Upstream upstream("Warning: " + half + "\r\nWarning: " + half + "\r\nWarning: x\r\n");
  const std::string head = Write(From(upstream));

  EXPECT_TRUE(Holds(head, "Warning: " + half));
  EXPECT_FALSE(Holds(head, "Warning: x"));
}

TEST(AppendClientResponseHead, FillsInWhatABlobStoreDoesNotKnow) {
  const Upstream silent("");
  ClientResponse response = From(silent);
  response.default_digest = "sha256:ab";
  response.default_content_type = "application/octet-stream";
  const std::string head = Write(response);
  EXPECT_TRUE(Holds(head, "Docker-Content-Digest: sha256:ab"));
  EXPECT_TRUE(Holds(head, "Content-Type: application/octet-stream"));

  const Upstream speaking("Content-Type: a/b\r\nDocker-Content-Digest: sha256:cd\r\n");
  ClientResponse kept{.upstream = speaking.head()};
  kept.default_digest = "sha256:ab";
  kept.default_content_type = "application/octet-stream";
  EXPECT_TRUE(Holds(Write(kept), "Content-Type: a/b"));
  EXPECT_TRUE(Holds(Write(kept), "Docker-Content-Digest: sha256:cd"));
  EXPECT_EQ(Write(kept).find("octet-stream"), std::string::npos);
}

TEST(AppendClientResponseHead, KeepsTheContentRangeUnlessAHeadIsAnswered) {
  const Upstream upstream("Content-Range: bytes 0-0/99\r\n", "206 Partial Content");
  ClientResponse response = From(upstream);
  EXPECT_TRUE(Holds(Write(response), "Content-Range: bytes 0-0/99"));
  response.drop_content_range = true;
  EXPECT_EQ(Write(response).find("Content-Range"), std::string::npos);
}

struct FramingRow {
  std::string name;
  int status;
  Framing framing;
  bool head_request;
  std::string ending;

  friend void PrintTo(const FramingRow& row, std::ostream* os) { *os << row.name; }
};

class AppendClientResponseHeadFrames : public ::testing::TestWithParam<FramingRow> {};

TEST_P(AppendClientResponseHeadFrames, TheBody) {
  const Upstream upstream("");
  ClientResponse response = From(upstream);
  response.status = GetParam().status;
  response.framing = GetParam().framing;
  response.head_request = GetParam().head_request;

  EXPECT_TRUE(Write(response).ends_with("registry/2.0\r\n" + GetParam().ending + "\r\n"))
      << Write(response);
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    AppendClientResponseHeadFrames,
    ::testing::Values(
        FramingRow{"AChunkedBody",
                   200,
                   {BodyFraming::kChunked, 0},
                   false,
                   "Transfer-Encoding: chunked\r\n"},
        FramingRow{"ABodyUntilTheEnd", 200, {BodyFraming::kUntilClose, 0}, false, ""},
        FramingRow{"NoBody", 202, {}, false, "Content-Length: 0\r\n"},
        FramingRow{
            "AHeadsLength", 200, {BodyFraming::kContentLength, 9}, true, "Content-Length: 9\r\n"},
        FramingRow{"AHeadWithoutLength", 200, {}, true, ""},
        FramingRow{"A204NeverHasALength", 204, {BodyFraming::kContentLength, 9}, false, ""},
        FramingRow{"A304HasNoLengthOfItsOwn", 304, {}, false, ""}),
    [](const auto& row) { return row.param.name; });

TEST(AppendClientResponseHead, SaysHowTheConnectionGoesOn) {
  const Upstream upstream("");
  ClientResponse response = From(upstream);
  EXPECT_EQ(Write(response).find("Connection"), std::string::npos);
  response.client_minor_version = 0;
  EXPECT_TRUE(Holds(Write(response), "Connection: keep-alive"));
  response.keep_alive = false;
  EXPECT_TRUE(Holds(Write(response), "Connection: close"));
}

Framing ForClient(const http::ResponseHead& response,
                  http::Method asked = http::Method::kGet,
                  std::uint8_t minor_version = 1) {
  return FramingForClient(response, asked, minor_version);
}

TEST(FramingForClient, KeepsALength) {
  http::ResponseHead response;
  response.framing = BodyFraming::kContentLength;
  response.content_length = 9;

  EXPECT_EQ(ForClient(response), (Framing{BodyFraming::kContentLength, 9}));
  EXPECT_EQ(ForClient(response, http::Method::kGet, 0), (Framing{BodyFraming::kContentLength, 9}));
}

TEST(FramingForClient, ChunksWhatHasNoLengthUnlessTheClientIsTooOld) {
  http::ResponseHead response;
  for (const BodyFraming framing : {BodyFraming::kChunked, BodyFraming::kUntilClose}) {
    response.framing = framing;
    EXPECT_EQ(ForClient(response), (Framing{BodyFraming::kChunked, 0}));
    EXPECT_EQ(ForClient(response, http::Method::kGet, 0), (Framing{BodyFraming::kUntilClose, 0}));
  }
}

TEST(FramingForClient, TellsTheLengthOfWhatAHeadAskedAbout) {
  http::ResponseHead response;
  response.framing = BodyFraming::kNone;
  response.has_content_length = true;
  response.content_length = 9;

  EXPECT_EQ(ForClient(response, http::Method::kHead), (Framing{BodyFraming::kContentLength, 9}));
  EXPECT_EQ(ForClient(response, http::Method::kGet), Framing{}) << "a 304, say";
}

std::optional<std::uint64_t> Size(const std::string& status, const std::string& fields) {
  return SizeFromRangedGet(Upstream(fields, status).head());
}

TEST(SizeFromRangedGet, ReadsTheTotal) {
  EXPECT_EQ(Size("206 x", "Content-Range: bytes 0-0/1234\r\nContent-Length: 1\r\n"), 1234U);
  EXPECT_EQ(Size("200 x", "Content-Length: 77\r\n"), 77U);
  EXPECT_EQ(Size("416 x", "Content-Range: bytes */0\r\n"), 0U);
}

TEST(SizeFromRangedGet, SaysThatThereIsNone) {
  EXPECT_EQ(Size("206 x", "Content-Range: bytes 0-0/*\r\n"), std::nullopt);
  EXPECT_EQ(Size("206 x", "Content-Range: bytes 1-1/9\r\n"), std::nullopt);
  EXPECT_EQ(Size("206 x", "Content-Range: bytes 0-0/9x\r\n"), std::nullopt);
  EXPECT_EQ(Size("206 x", "Content-Range: bytes 0-0/-9\r\n"), std::nullopt);
  EXPECT_EQ(Size("206 x", "Content-Range: bytes 0-0/99999999999999999999\r\n"), std::nullopt);
  EXPECT_EQ(Size("206 x", "Content-Length: 1\r\n"), std::nullopt);
  EXPECT_EQ(Size("200 x", ""), std::nullopt);
  EXPECT_EQ(Size("416 x", "Content-Range: bytes */5\r\n"), std::nullopt);
  EXPECT_EQ(Size("404 x", "Content-Length: 5\r\nContent-Range: bytes 0-0/9\r\n"), std::nullopt);
}

}  // namespace
}  // namespace connector::dataplane::oci
