// Uploads at their edges: every way to begin, interrupt, resume and end one.

#include "dataplane/oci/upload_session.h"
#include "tests/support/cpp/dataplane_world.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>

namespace connector::dataplane {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;
using testing_support::DataplaneWorld;
using testing_support::HttpAnswer;
using testing_support::HttpRequest;
using testing_support::kRepositoryPath;
using testing_support::kUpstreamToken;
using testing_support::RawClient;
using testing_support::RawResponse;

const std::string kUploadUploads = std::string(kRepositoryPath) + "/blobs/uploads/";
const std::string kUploadDigest = "sha256:" + std::string(64, 'a');
const std::string kSession = "/v2/team/app/blobs/uploads/session-1?_state=first";
const std::string kMoved = "/v2/team/app/blobs/uploads/session-1?_state=second";

HttpAnswer Open(const std::string& location = kSession, const std::string& range = "0-0") {
  return {.status = 202, .headers = {{"Location", location}, {"Range", range}}};
}

HttpAnswer UploadRegistry(const HttpRequest& request) {
  if (request.method == "PUT" || !request.Query("digest").empty()) {
    return {.status = 201, .headers = {{"Docker-Content-Digest", kUploadDigest}}};
  }
  return Open();
}

TEST(AnUploadInOnePost, IsStoredAtOnce) {
  DataplaneWorld world(UploadRegistry);

  const RawResponse response = world.Do("POST",
                                        kUploadUploads + "?digest=" + kUploadDigest,
                                        "Content-Type: application/octet-stream\r\n",
                                        "whole blob");

  EXPECT_EQ(response.status, 201);
  EXPECT_EQ(response.Header("location"), std::string(kRepositoryPath) + "/blobs/" + kUploadDigest);
  EXPECT_EQ(response.Header("docker-content-digest"), kUploadDigest);
  ASSERT_THAT(world.registry().requests(), SizeIs(1));
  EXPECT_EQ(world.registry().requests()[0].body, "whole blob");
}

TEST(AnUploadInOnePost, GoesOnWithAPutWhereTheRegistryDoesNotTakeIt) {
  DataplaneWorld world([](const HttpRequest& request) {
    return request.method == "POST" ? Open() : HttpAnswer{.status = 201};
  });

  const RawResponse post =
      world.Do("POST", kUploadUploads + "?digest=" + kUploadDigest, "", "whole blob");
  const RawResponse put =
      world.Do("PUT", post.Header("location") + "?digest=" + kUploadDigest, "", "whole blob");

  EXPECT_EQ(post.status, 202);
  EXPECT_EQ(put.status, 201);
  EXPECT_THAT(world.registry().requests().back().target, StartsWith(kSession + "&digest="));
}

class ARegistryThatDeclinesEarly : public ::testing::TestWithParam<bool> {};

TEST_P(ARegistryThatDeclinesEarly, IsHeardWhileTheBodyIsStillComing) {
  DataplaneWorld world([](const HttpRequest&) { return HttpAnswer{.status = 201}; });
  world.registry().AnswerEarly([](const HttpRequest& request) -> std::optional<HttpAnswer> {
    HttpAnswer answer = Open();
    answer.abrupt = GetParam();
    return request.method == "POST" ? std::optional(answer) : std::nullopt;
  });

  const RawResponse post =
      world.Do("POST", kUploadUploads + "?digest=" + kUploadDigest, "", std::string(8 << 20, 'b'));
  const RawResponse put =
      world.Do("PUT", post.Header("location") + "?digest=" + kUploadDigest, "", "b");

  EXPECT_EQ(post.status, 202);
  EXPECT_EQ(post.Header("connection"), "close");
  EXPECT_EQ(put.status, 201);
}

INSTANTIATE_TEST_SUITE_P(Closing,
                         ARegistryThatDeclinesEarly,
                         ::testing::Values(false, true),
                         [](const auto& row) { return row.param ? "ByReset" : "InOrder"; });

TEST(AnUpload, OutOfOrderIsToldWhereItStandsAndGoesOnThere) {
  DataplaneWorld world([](const HttpRequest& request) {
    if (request.Header("content-range") == "7-9") {
      return HttpAnswer{
          .status = 416,
          .headers = {{"Location", kMoved}, {"Range", "0-4"}, {"Content-Type", "application/json"}},
          .body = R"({"errors":[{"code":"BLOB_UPLOAD_INVALID"}]})"};
    }
    return Open();
  });
  const std::string location = world.Do("POST", kUploadUploads).Header("location");

  const RawResponse response = world.Do("PATCH", location, "Content-Range: 7-9\r\n", "xyz");
  const RawResponse again =
      world.Do("PATCH", response.Header("location"), "Content-Range: 5-9\r\n", "world");

  EXPECT_EQ(response.status, 416);
  EXPECT_EQ(response.Header("range"), "0-4");
  EXPECT_THAT(response.head, Not(HasSubstr("session-1")));
  EXPECT_THAT(response.body, HasSubstr("BLOB_UPLOAD_INVALID"));
  EXPECT_EQ(again.status, 202);
  EXPECT_EQ(world.registry().requests().back().target, kMoved);
}

TEST(AnUpload, OutOfOrderIsToldSoThoughItsLocationCannotBePassedOn) {
  DataplaneWorld world([](const HttpRequest& request) {
    return request.method == "POST"
               ? Open()
               : HttpAnswer{
                     .status = 416,
                     .headers = {{"Location", "https://elsewhere.example/"}, {"Range", "0-4"}}};
  });
  const std::string location = world.Do("POST", kUploadUploads).Header("location");

  const RawResponse response = world.Do("PATCH", location, "Content-Range: 7-9\r\n", "xyz");

  EXPECT_EQ(response.status, 416);
  EXPECT_EQ(response.Header("range"), "0-4");
  EXPECT_EQ(response.Header("location"), "");
}

TEST(AnUpload, WhoseConnectionDroppedIsAskedForAndGoesOnOnAnotherReplica) {
  DataplaneWorld world([](const HttpRequest& request) {
    return request.method == "GET"
               ? HttpAnswer{.status = 204, .headers = {{"Location", kMoved}, {"Range", "0-4"}}}
               : Open();
  });
  world.StartReplica();
  const std::string location = world.Do("POST", kUploadUploads).Header("location");
  {
    RawClient dropped(world.port());
    dropped.Send(DataplaneWorld::Request("PATCH", location, "Content-Length: 10\r\n") + "hello");
  }

  RawClient client(world.replica_port());
  client.Send(DataplaneWorld::Request("GET", location));
  const RawResponse status = client.Read();
  client.Send(DataplaneWorld::Request(
      "PATCH", status.Header("location"), "Content-Range: 5-9\r\n", "world"));

  EXPECT_EQ(status.status, 204);
  EXPECT_EQ(status.Header("range"), "0-4");
  EXPECT_EQ(status.Header("content-length"), "");
  EXPECT_EQ(client.Read().status, 202);
  EXPECT_EQ(world.registry().requests().back().target, kMoved);
  EXPECT_EQ(world.registry().requests().back().body, "world");
}

TEST(AnUpload, IsCancelledAtTheRegistry) {
  DataplaneWorld world([](const HttpRequest& request) {
    return request.method == "DELETE" ? HttpAnswer{.status = 204, .headers = {{"Location", kMoved}}}
                                      : Open();
  });
  const std::string location = world.Do("POST", kUploadUploads).Header("location");

  const RawResponse response = world.Do("DELETE", location);

  EXPECT_EQ(response.status, 204);
  EXPECT_EQ(response.Header("location"), "");
  EXPECT_EQ(world.registry().requests().back().method, "DELETE");
  EXPECT_EQ(world.registry().requests().back().target, kSession);
}

TEST(AChunk, ThatTheRegistryAnswersWith201GoesOnAtItsLocation) {
  DataplaneWorld world([](const HttpRequest& request) {
    HttpAnswer answer = Open(request.method == "PATCH" ? kMoved : kSession);
    answer.status = request.method == "POST" ? 202 : 201;
    return answer;
  });
  const std::string location = world.Do("POST", kUploadUploads).Header("location");

  const RawResponse patch = world.Do("PATCH", location, "", "hello");
  const RawResponse put = world.Do("PUT", patch.Header("location") + "?digest=" + kUploadDigest);

  EXPECT_EQ(patch.status, 201);
  EXPECT_EQ(put.Header("location"), std::string(kRepositoryPath) + "/blobs/" + kUploadDigest);
  EXPECT_THAT(world.registry().requests().back().target, StartsWith(kMoved + "&digest="));
}

TEST(ABody, LongerThanItsLengthEndsWhereItsLengthSays) {
  DataplaneWorld world(UploadRegistry);
  const std::string location = world.Do("POST", kUploadUploads).Header("location");
  RawClient client(world.port());

  client.Send(DataplaneWorld::Request("PATCH", location, "Content-Length: 5\r\n") + "hello world");

  EXPECT_EQ(client.Read().status, 202);
  EXPECT_EQ(world.registry().requests().back().body, "hello");
  EXPECT_EQ(client.Read().status, 400) << "what follows is read as a request, and is none";
  EXPECT_TRUE(client.AtEnd());
}

TEST(AnEmptyBlob, IsUploadedInEveryWay) {
  DataplaneWorld world(UploadRegistry);
  const std::string location = world.Do("POST", kUploadUploads).Header("location");
  const std::string empty = "Content-Length: 0\r\n";

  EXPECT_EQ(world.Do("POST", kUploadUploads + "?digest=" + kUploadDigest, empty).status, 201);
  RawClient client(world.port());
  client.Send(DataplaneWorld::Request("PATCH", location, "Transfer-Encoding: chunked\r\n") +
              "0\r\n\r\n" +
              DataplaneWorld::Request("PUT", location + "?digest=" + kUploadDigest, empty));
  EXPECT_EQ(client.Read().status, 202);
  EXPECT_EQ(client.Read().status, 201);

  for (const HttpRequest& request : world.registry().requests()) {
    EXPECT_THAT(request.body, IsEmpty());
  }
  EXPECT_EQ(world.registry().requests().back().Header("content-length"), "0");
}

// Containerd decodes the path, sorts the query and encodes it anew, with `ns` where it is a mirror.
TEST(ALongUploadLocation, FitsIntoTheRequestsOfEveryClient) {
  const std::string state(4 * 1024, 's');
  const std::string moved = "/v2/team/app/blobs/uploads/session-1?_state=" + state;
  DataplaneWorld world([&](const HttpRequest& request) {
    return request.method == "POST" ? Open(moved) : HttpAnswer{.status = 201};
  });
  const std::string location = world.Do("POST", kUploadUploads).Header("location");

  const RawResponse response = world.Do(
      "PUT", location + "?digest=sha256%3A" + std::string(64, 'a') + "&ns=harbor.example.com");

  EXPECT_EQ(response.status, 201);
  EXPECT_EQ(world.registry().requests().back().Query("_state"), std::vector<std::string>{state});
  EXPECT_EQ(world.registry().requests().back().Query("digest"),
            std::vector<std::string>{kUploadDigest});
  EXPECT_THAT(world.registry().requests().back().Query("ns"), IsEmpty());
}

TEST(AnUploadLocation, SurvivesOneChangeOfTheKeyAndNotTwo) {
  DataplaneWorld world(UploadRegistry);
  const std::string location = world.Do("POST", kUploadUploads).Header("location");

  world.PublishKeys({7, 8}, 8);
  const RawResponse once = world.Do("PATCH", location, "", "hello");
  world.PublishKeys({8, 9}, 9);

  EXPECT_EQ(once.status, 202);
  EXPECT_EQ(world.Do("PATCH", location, "", "hello").status, 404);
  EXPECT_EQ(world.Do("PATCH", once.Header("location"), "", "hello").status, 202);
}

// A 404 would end the upload: its client gives it up.
TEST(AnUpload, IsNotUnknownToADataPlaneThatHasNoKeysYet) {
  DataplaneWorld world(UploadRegistry);
  const std::string location = world.Do("POST", kUploadUploads).Header("location");
  world.PublishKeys({}, 0);

  const RawResponse response = world.Do("PATCH", location, "", "hello");

  EXPECT_EQ(response.status, 503);
  EXPECT_NE(response.Header("retry-after"), "");
  EXPECT_THAT(response.body, HasSubstr("no keys for uploads and pages yet"));
}

struct Foreign {
  std::string name;
  std::function<void(oci::UploadState&)> change;

  friend void PrintTo(const Foreign& row, std::ostream* os) { *os << row.name; }
};

class ASealedLocation : public ::testing::TestWithParam<Foreign> {};

TEST_P(ASealedLocation, ThatIsNotForThisRequestIsUnknownAndReachesNoRegistry) {
  // A password would do in every repository.
  DataplaneWorld world(UploadRegistry,
                       {.adjust = [](routes::Route& route) { route.secret_class = "static"; }});
  const auto origin = http::ParseOrigin(world.registry().address());
  oci::UploadState state{.connector = {"default", "harbor"},
                         .repository = "team/app",
                         .subject = "system:serviceaccount:ci:builder",
                         .expires_at = INT64_MAX,
                         .url = {*origin, "/v2/team/app/blobs/uploads/session-1", ""}};
  const std::string good = *oci::SealUpload(world.sealing_keys(), state);
  EXPECT_EQ(world.Do("PATCH", kUploadUploads + good, "", "x").status, 202);

  GetParam().change(state);
  const RawResponse response =
      world.Do("PATCH", kUploadUploads + *oci::SealUpload(world.sealing_keys(), state), "", "x");

  EXPECT_EQ(response.status, 404);
  EXPECT_THAT(response.body, HasSubstr("BLOB_UPLOAD_UNKNOWN"));
  EXPECT_THAT(world.registry().requests(), SizeIs(1));
}

INSTANTIATE_TEST_SUITE_P(
    Of,
    ASealedLocation,
    ::testing::Values(
        Foreign{"AnotherConnector", [](oci::UploadState& s) { s.connector.name = "quay"; }},
        Foreign{"AnotherNamespace", [](oci::UploadState& s) { s.connector.ns = "other"; }},
        Foreign{"AnotherRepository", [](oci::UploadState& s) { s.repository = "team/other"; }},
        Foreign{"AnotherSubject", [](oci::UploadState& s) { s.subject = "mallory"; }},
        Foreign{"ThePast", [](oci::UploadState& s) { s.expires_at = 1; }},
        Foreign{"AnOriginThatIsNotListed", [](oci::UploadState& s) { s.url.origin.port = 1; }},
        Foreign{"TheCatalog", [](oci::UploadState& s) { s.url.path = "/v2/_catalog"; }},
        Foreign{"AnAdministrationsApi", [](oci::UploadState& s) { s.url.path = "/api/users/1"; }},
        Foreign{"AManifest", [](oci::UploadState& s) { s.url.path = "/v2/team/app/manifests/v1"; }},
        Foreign{"AnotherRepositorysUpload",
                [](oci::UploadState& s) { s.url.path = "/v2/team/other/blobs/uploads/1"; }},
        Foreign{"AMount", [](oci::UploadState& s) { s.url.query = "mount=x&from=team/other"; }},
        Foreign{"TwoRequests",
                [](oci::UploadState& s) { s.url.path += " HTTP/1.1\r\nX: y\r\n\r\nGET /"; }}),
    [](const auto& row) { return row.param.name; });

class AnUploadAtAnotherPath : public ::testing::TestWithParam<const char*> {};

TEST_P(AnUploadAtAnotherPath, OfTheConnectorsOriginGetsTheCredential) {
  DataplaneWorld world(UploadRegistry);
  const std::string sealed =
      *oci::SealUpload(world.sealing_keys(),
                       {.connector = {"default", "harbor"},
                        .repository = "team/app",
                        .subject = "system:serviceaccount:ci:builder",
                        .expires_at = INT64_MAX,
                        .url = {*http::ParseOrigin(world.registry().address()), GetParam(), ""}});

  EXPECT_EQ(world.Do("PATCH", kUploadUploads + sealed, "", "x").status, 202);
  EXPECT_EQ(world.registry().requests().back().Header("authorization"),
            "Bearer " + std::string(kUpstreamToken));
}

INSTANTIATE_TEST_SUITE_P(
    As,
    AnUploadAtAnotherPath,
    ::testing::Values("/artifacts-uploads/namespaces/p/repositories/r/uploads/1",
                      "/v2/local/app/blobs/uploads/1",
                      "/artifactory/api/docker/local/v2/app/blobs/uploads/1"));

TEST(AnUpload, IsRepeatedAfterA401WhereTheNewRouteLeads) {
  testing_support::HttpServer moved(UploadRegistry);
  DataplaneWorld* running = nullptr;
  DataplaneWorld world([&](const HttpRequest& request) {
    if (request.method == "POST") {
      return Open();
    }
    running->PublishRoute("epoch-2", [&](routes::Route& route) {
      route.origin = *http::ParseOrigin(moved.address());
    });
    return HttpAnswer{.status = 401};
  });
  running = &world;
  const std::string location = world.Do("POST", kUploadUploads).Header("location");
  world.issuer().SetAnswer([](const token::GrantRequest& request) -> token::GrantResult {
    return testing_support::MakeGrant(
        {"default", "harbor"}, kUpstreamToken, request.mint_anew ? "epoch-2" : "epoch-1");
  });

  EXPECT_EQ(world.Do("GET", location).status, 404) << "it was begun at the registry of before";
  EXPECT_THAT(world.registry().requests(), SizeIs(2));
  EXPECT_THAT(moved.requests(), IsEmpty());
}

TEST(AnUploadLocation, ThatStandsTwiceIsRefused) {
  DataplaneWorld world([](const HttpRequest&) {
    return HttpAnswer{.status = 202, .headers = {{"Location", kSession}, {"Location", kMoved}}};
  });

  EXPECT_EQ(world.Do("POST", kUploadUploads).status, 502);
}

TEST(AnUploadLocation, ThatRepeatsTheCredentialIsRefused) {
  DataplaneWorld world(
      [](const HttpRequest&) {
        return Open("http://127.0.0.1:1/up?token=" + std::string(kUpstreamToken));
      },
      {.adjust = [](routes::Route& route) { route.redirects.hosts = {"127.0.0.1"}; }});

  const RawResponse response = world.Do("POST", kUploadUploads);

  EXPECT_EQ(response.status, 502);
  EXPECT_THAT(response.head + response.body, Not(HasSubstr(kUpstreamToken)));
}

TEST(AnUpstream401, ToAnUploadsEmptyPostIsRepeatedWithANewToken) {
  std::atomic<int> count{0};
  DataplaneWorld world(
      [&](const HttpRequest&) { return ++count == 1 ? HttpAnswer{.status = 401} : Open(); });

  EXPECT_EQ(world.Do("POST", kUploadUploads, "Content-Length: 0\r\n").status, 202);
  EXPECT_TRUE(world.issuer().asks().back().mint_anew);
}

}  // namespace
}  // namespace connector::dataplane
