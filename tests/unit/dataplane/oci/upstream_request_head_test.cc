// What a registry sees of a client's request.

#include "dataplane/oci/headers.h"
#include "tests/unit/dataplane/addressing/names.h"

#include <gtest/gtest.h>

#include <optional>
#include <ostream>
#include <string>
#include <string_view>

namespace connector::dataplane::oci {
namespace {

using http::BodyFraming;
using http::Method;

constexpr std::string_view kAuthorization = "Authorization: Bearer up-token\r\n";

// A client's request whose head stays alive.
class Client {
 public:
  explicit Client(const std::string& fields,
                  const std::string& line = "GET /v2/a/manifests/v1 HTTP/1.1")
      : raw_(line + "\r\nHost: proxy\r\n" + fields + "\r\n") {
    const http::HeadResult result = http::ParseRequestHead(raw_, head_);
    EXPECT_EQ(result.status, http::HeadStatus::kComplete) << result.error.sentence;
  }
  [[nodiscard]] const http::RequestHead& head() const { return head_; }

 private:
  std::string raw_;
  http::RequestHead head_;
};

UpstreamRequest To(const Client& client) {
  return UpstreamRequest{.client = client.head(),
                         .method = client.head().method,
                         .target = "/v2/a/manifests/v1",
                         .authority = "registry.example.com",
                         .framing = {},
                         .hop = HopKind::kRegistry,
                         .range_override = {},
                         .authorization_line = kAuthorization};
}

std::string UpstreamRequestHeadWrite(const UpstreamRequest& request) {
  std::string out;
  AppendUpstreamRequestHead(out, request);
  return out;
}

TEST(AppendUpstreamRequestHead, WritesTheWholeHeadFromAllowedParts) {
  const Client client(
      "User-Agent: docker/20.10\r\nAccept: application/a\r\nAccept: application/b\r\n"
      "Accept-Encoding: gzip\r\nAuthorization: Basic Y2FsbGVy\r\nIf-None-Match: \"x\"\r\n"
      "Range: bytes=0-9\r\nDocker-Distribution-API-Version: registry/2.0\r\nOCI-X: y\r\n");

  EXPECT_EQ(UpstreamRequestHeadWrite(To(client)),
            "GET /v2/a/manifests/v1 HTTP/1.1\r\n"
            "Host: registry.example.com\r\n"
            "Accept-Encoding: identity\r\n"
            "User-Agent: docker/20.10\r\n"
            "Accept: application/a\r\n"
            "Accept: application/b\r\n"
            "If-None-Match: \"x\"\r\n"
            "Docker-Distribution-API-Version: registry/2.0\r\n"
            "OCI-X: y\r\n"
            "Range: bytes=0-9\r\n"
            "Authorization: Bearer up-token\r\n"
            "\r\n");
}

TEST(AppendUpstreamRequestHead, DropsWhatIsNotAllowed) {
  const Client client(
      "Cookie: a=b\r\nForwarded: for=x\r\nX-Forwarded-Host: evil\r\nX-Forwarded-Proto: http\r\n"
      "X-Real-IP: x\r\nX-HTTP-Method-Override: DELETE\r\nProxy-Authorization: x\r\n"
      "Keep-Alive: x\r\nTE: trailers\r\nTrailer: x\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n"
      "Connection: Upgrade\r\nX-Request-Id: x\r\nVia: x\r\nOrigin: x\r\nReferer: x\r\n"
      "X-Registry-Auth: x\r\nAccept-Charset: x\r\nContent-Length: 0\r\n");

  EXPECT_EQ(UpstreamRequestHeadWrite(To(client)),
            "GET /v2/a/manifests/v1 HTTP/1.1\r\n"
            "Host: registry.example.com\r\n"
            "Accept-Encoding: identity\r\n"
            "User-Agent: oci-connector\r\n"
            "Authorization: Bearer up-token\r\n"
            "\r\n");
}

TEST(AppendUpstreamRequestHead, LetsNoConnectionTokenRemoveWhatTheRegistryNeeds) {
  const Client client(
      "Connection: authorization, content-range, host, accept\r\nAccept: application/a\r\n"
      "Content-Range: 0-9\r\n",
      "PATCH /v2/a HTTP/1.1");
  const std::string head = UpstreamRequestHeadWrite(To(client));

  for (const char* line : {"Authorization: Bearer up-token\r\n",
                           "Content-Range: 0-9\r\n",
                           "Host: registry.example.com\r\n",
                           "Accept: application/a\r\n"}) {
    EXPECT_NE(head.find(line), std::string::npos) << line;
  }
}

TEST(AppendUpstreamRequestHead, KeepsTheKindOfFraming) {
  const Client client("Content-Type: application/octet-stream\r\n", "PATCH / HTTP/1.1");
  UpstreamRequest request = To(client);
  const auto ends_with = [&](std::string_view framing) {
    const std::string expected = std::string(framing) + std::string(kAuthorization) + "\r\n";
    return UpstreamRequestHeadWrite(request).ends_with(expected);
  };
  request.framing = {BodyFraming::kContentLength, 17};
  EXPECT_TRUE(ends_with("Content-Length: 17\r\n"));
  request.framing = {BodyFraming::kChunked, 0};
  EXPECT_TRUE(ends_with("Transfer-Encoding: chunked\r\n"));
  request.framing = {};
  EXPECT_TRUE(ends_with("Content-Length: 0\r\n"));
  request.method = Method::kDelete;
  EXPECT_TRUE(ends_with("Content-Type: application/octet-stream\r\nUser-Agent: oci-connector\r\n"));
}

TEST(AppendUpstreamRequestHead, LeavesOutARangeOfManyRanges) {
  const Client client("Range: bytes=0-1,5-6\r\n");
  EXPECT_EQ(UpstreamRequestHeadWrite(To(client)).find("Range"), std::string::npos);
}

TEST(AppendUpstreamRequestHead, PutsTheOverrideInPlaceOfTheRange) {
  const Client client("Range: bytes=5-6\r\n");
  UpstreamRequest request = To(client);
  request.range_override = "bytes=0-0";
  const std::string head = UpstreamRequestHeadWrite(request);

  EXPECT_NE(head.find("Range: bytes=0-0\r\n"), std::string::npos);
  EXPECT_EQ(head.find("5-6"), std::string::npos);
}

TEST(AppendUpstreamRequestHead, TellsABlobStoreNeitherCredentialNorRegistryFields) {
  const Client client(
      "Accept: application/a\r\nDocker-X: y\r\nOCI-X: y\r\nRange: bytes=0-9\r\n"
      "If-Range: \"x\"\r\nAuthorization: Basic Y2FsbGVy\r\n");
  UpstreamRequest request = To(client);
  request.hop = HopKind::kForeign;

  EXPECT_EQ(UpstreamRequestHeadWrite(request),
            "GET /v2/a/manifests/v1 HTTP/1.1\r\n"
            "Host: registry.example.com\r\n"
            "Accept-Encoding: identity\r\n"
            "If-Range: \"x\"\r\n"
            "User-Agent: oci-connector\r\n"
            "Range: bytes=0-9\r\n"
            "\r\n");
}

TEST(AppendUpstreamRequestHead, TellsAnotherRegistryWhichManifestAndNoMore) {
  const Client client("Accept: application/a\r\nDocker-X: y\r\nOCI-X: y\r\n");
  UpstreamRequest request = To(client);
  request.hop = HopKind::kOtherRegistry;

  EXPECT_EQ(UpstreamRequestHeadWrite(request),
            "GET /v2/a/manifests/v1 HTTP/1.1\r\n"
            "Host: registry.example.com\r\n"
            "Accept-Encoding: identity\r\n"
            "Accept: application/a\r\n"
            "User-Agent: oci-connector\r\n"
            "\r\n");
}

struct CheckRow {
  std::string name;
  std::string line;
  std::string fields;
  std::optional<RequestRefusal> refusal;

  friend void PrintTo(const CheckRow& row, std::ostream* os) { *os << row.name; }
};

class CheckRequestDecides : public ::testing::TestWithParam<CheckRow> {};

TEST_P(CheckRequestDecides, WhetherTheRequestMayGoOn) {
  const Client client(GetParam().fields, GetParam().line + " HTTP/1.1");
  const addressing::ParsedTarget parsed =
      addressing::ParseTarget(client.head().method, client.head().target);
  EXPECT_EQ(CheckRequest(std::get<addressing::Operation>(parsed), client.head()),
            GetParam().refusal);
}

const std::string kUploads = "/v2/a/blobs/uploads/";
const std::string kChunked = "Transfer-Encoding: chunked\r\n";

INSTANTIATE_TEST_SUITE_P(
    Table,
    CheckRequestDecides,
    ::testing::Values(
        CheckRow{"APostWithoutBody", "POST " + kUploads, "Content-Length: 0\r\n", std::nullopt},
        CheckRow{"APostWithEmptyJson",
                 "POST " + kUploads,
                 "Content-Type: application/json\r\nContent-Length: 0\r\n",
                 std::nullopt},
        CheckRow{"APostWithABodyAndNoDigest",
                 "POST " + kUploads,
                 "Content-Length: 5\r\n",
                 RequestRefusal::kBodyNotAllowed},
        CheckRow{"APostWithAChunkedBodyAndNoDigest",
                 "POST " + kUploads,
                 kChunked,
                 RequestRefusal::kBodyNotAllowed},
        CheckRow{"AMountWithABody",
                 "POST " + kUploads + "?mount=" + kDigest + "&from=b",
                 "Content-Length: 5\r\n",
                 RequestRefusal::kBodyNotAllowed},
        CheckRow{"APostWithADigestAndABody",
                 "POST " + kUploads + "?digest=" + kDigest,
                 "Content-Length: 5\r\nContent-Type: application/octet-stream\r\n",
                 std::nullopt},
        CheckRow{"AFormOnAPost",
                 "POST " + kUploads,
                 "Content-Type: application/x-www-form-urlencoded\r\n",
                 RequestRefusal::kContentType},
        CheckRow{"AFormInAnyCase",
                 "POST " + kUploads + "?digest=" + kDigest,
                 "Content-Type: Application/X-WWW-Form-Urlencoded; charset=utf-8\r\n",
                 RequestRefusal::kContentType},
        CheckRow{"AMultipartForm",
                 "PATCH " + kUploads + "x",
                 "Content-Type: multipart/form-data; boundary=x\r\n" + kChunked,
                 RequestRefusal::kContentType},
        CheckRow{"AFormOfAnyKindInParts",
                 "PATCH " + kUploads + "x",
                 "Content-Type: Multipart/Mixed\r\n" + kChunked,
                 RequestRefusal::kContentType},
        CheckRow{"AFormWithASpaceInItsType",
                 "PATCH " + kUploads + "x",
                 "Content-Type: application/ x-www-form-urlencoded\r\n" + kChunked,
                 RequestRefusal::kContentType},
        CheckRow{"AnEmptyContentType",
                 "PATCH " + kUploads + "x",
                 "Content-Type:\r\n" + kChunked,
                 RequestRefusal::kContentType},
        CheckRow{"ALayersOwnType",
                 "PATCH " + kUploads + "x",
                 "Content-Type: application/vnd.oci.image.layer.v1.tar+gzip\r\n" + kChunked,
                 std::nullopt},
        CheckRow{"ATextAsStandardLibrariesCallIt",
                 "PUT " + kUploads + "x?digest=" + kDigest,
                 "Content-Type: text/plain; charset=utf-8\r\n",
                 std::nullopt},
        CheckRow{"ATypeThatIsNotRegistered",
                 "POST " + kUploads + "?digest=" + kDigest,
                 "Content-Type: binary/octet-stream\r\n",
                 std::nullopt},
        CheckRow{"AListOfContentTypes",
                 "PATCH " + kUploads + "x",
                 "Content-Type: application/json, application/x-www-form-urlencoded\r\n",
                 RequestRefusal::kContentType},
        CheckRow{"AnOctetStreamWithAParameter",
                 "PATCH " + kUploads + "x",
                 "Content-Type: application/octet-stream ; x=y\r\n" + kChunked,
                 std::nullopt},
        CheckRow{"AFormOnThePutThatEndsAnUpload",
                 "PUT " + kUploads + "x?digest=" + kDigest,
                 "Content-Type: application/x-www-form-urlencoded\r\n",
                 RequestRefusal::kContentType},
        CheckRow{"AManifestWithItsType",
                 "PUT /v2/a/manifests/v",
                 "Content-Type: application/vnd.oci.image.manifest.v1+json\r\n"
                 "Content-Length: 8388608\r\n",
                 std::nullopt},
        CheckRow{"AManifestOver8MiB",
                 "PUT /v2/a/manifests/v",
                 "Content-Type: application/json\r\nContent-Length: 8388609\r\n",
                 RequestRefusal::kManifestTooLarge},
        CheckRow{"AManifestWithoutType",
                 "PUT /v2/a/manifests/v",
                 "Content-Length: 2\r\n",
                 RequestRefusal::kContentTypeMissing},
        CheckRow{"AReadWithAContentType",
                 "GET /v2/a/manifests/v",
                 "Content-Type: text/plain\r\n",
                 std::nullopt}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace connector::dataplane::oci
