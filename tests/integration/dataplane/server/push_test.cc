#include "tests/support/cpp/dataplane_world.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>

namespace connector::dataplane {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;
using testing_support::DataplaneWorld;
using testing_support::HttpAnswer;
using testing_support::HttpRequest;
using testing_support::kRepositoryPath;
using testing_support::kUpstreamToken;
using testing_support::MakeGrant;
using testing_support::RawClient;
using testing_support::RawResponse;

const std::string kPushUploads = std::string(kRepositoryPath) + "/blobs/uploads/";
const std::string kPushDigest = "sha256:" + std::string(64, 'a');

// A registry whose upload session is /v2/team/app/blobs/uploads/session-1?_state=secret.
HttpAnswer PushRegistry(const HttpRequest& request) {
  if (request.method == "PUT") {
    return {.status = 201,
            .headers = {{"Location", "http://elsewhere/v2/team/app/blobs/" + kPushDigest},
                        {"Docker-Content-Digest", kPushDigest}}};
  }
  return {.status = 202,
          .headers = {{"Location", "/v2/team/app/blobs/uploads/session-1?_state=secret"},
                      {"Docker-Upload-UUID", "session-1"},
                      {"Range", "0-4"}}};
}

TEST(AnUpload, GetsALocationThatTellsNothingOfTheRegistry) {
  DataplaneWorld world(PushRegistry);

  const RawResponse response = world.Do("POST", kPushUploads);

  EXPECT_EQ(response.status, 202);
  EXPECT_THAT(response.Header("location"), StartsWith(kPushUploads));
  EXPECT_THAT(response.head, Not(HasSubstr("session-1")));
  EXPECT_THAT(response.head, Not(HasSubstr("secret")));
}

TEST(AnUpload, GoesOnAtTheRegistrysOwnLocation) {
  DataplaneWorld world(PushRegistry);
  const std::string location = world.Do("POST", kPushUploads).Header("location");

  EXPECT_EQ(world.Do("PATCH", location, "Content-Range: 0-4\r\n", "hello").status, 202);
  const RawResponse put = world.Do("PUT", location + "?digest=" + kPushDigest);

  EXPECT_EQ(put.status, 201);
  EXPECT_EQ(put.Header("location"), std::string(kRepositoryPath) + "/blobs/" + kPushDigest);
  const auto requests = world.registry().requests();
  ASSERT_THAT(requests, SizeIs(3));
  EXPECT_EQ(requests[1].target, "/v2/team/app/blobs/uploads/session-1?_state=secret");
  EXPECT_EQ(requests[1].body, "hello");
  EXPECT_EQ(requests[1].Header("content-range"), "0-4");
  EXPECT_EQ(requests[2].Query("digest"), (std::vector<std::string>{kPushDigest}));
  EXPECT_EQ(requests[2].Query("_state"), (std::vector<std::string>{"secret"}));
}

TEST(AnUpload, BegunOnOneReplicaGoesOnOnAnother) {
  DataplaneWorld world(PushRegistry);
  world.StartReplica();
  const std::string location = world.Do("POST", kPushUploads).Header("location");

  RawClient other(world.replica_port());
  other.Send(DataplaneWorld::Request("PATCH", location, "", "hello"));

  EXPECT_EQ(other.Read().status, 202);
  EXPECT_EQ(world.registry().requests().back().body, "hello");
}

// Two nodes behind one address, and a cookie that says which has the upload.
TEST(AnUpload, StaysOnTheNodeThatItsCookieNames) {
  std::atomic<bool> redirect{false};
  DataplaneWorld world([&](const HttpRequest& request) {
    if (redirect) {
      return HttpAnswer{.status = 307,
                        .headers = {{"Location", "/v2/team/app/blobs/uploads/session-2"}}};
    }
    HttpAnswer answer = PushRegistry(request);
    answer.headers.emplace_back("Set-Cookie",
                                request.method == "POST" ? "node=1; Path=/; HttpOnly" : "node=2");
    return answer;
  });
  const RawResponse begun = world.Do("POST", kPushUploads);
  EXPECT_THAT(begun.head, Not(HasSubstr("node")));

  const RawResponse patched =
      world.Do("PATCH", begun.Header("location"), "Cookie: of=client\r\n", "hello");
  static_cast<void>(world.Do("PATCH", patched.Header("location"), "", "hello"));
  redirect = true;
  static_cast<void>(world.Do("PUT", begun.Header("location") + "?digest=" + kPushDigest));
  static_cast<void>(world.Do("GET", kPushUploads.substr(0, kPushUploads.size() - 8) + kPushDigest));

  const auto requests = world.registry().requests();
  ASSERT_GE(requests.size(), 5U);
  EXPECT_EQ(requests[0].Header("cookie"), "");
  EXPECT_EQ(requests[1].Header("cookie"), "node=1");
  EXPECT_EQ(requests[2].Header("cookie"), "node=2");
  EXPECT_EQ(requests[3].Header("cookie"), "node=1");
  for (std::size_t i = 4; i < requests.size(); ++i) {
    EXPECT_EQ(requests[i].Header("cookie"), "") << "a redirect, or no upload";
  }
}

TEST(AnUpload, OfAnotherSubjectIsUnknown) {
  DataplaneWorld world(PushRegistry);
  const std::string location = world.Do("POST", kPushUploads).Header("location");
  world.issuer().SetAnswer([](const token::GrantRequest&) -> token::GrantResult {
    auto grant = MakeGrant({"default", "harbor"}, kUpstreamToken, "epoch-1");
    grant->subject = "system:serviceaccount:ci:mallory";
    return grant;
  });
  RawClient client(world.port());

  client.Send(
      "PATCH " + location +
      " HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer mallory\r\nContent-Length: 1\r\n\r\nx");
  const RawResponse response = client.Read();

  EXPECT_EQ(response.status, 404);
  EXPECT_THAT(response.body, HasSubstr("BLOB_UPLOAD_UNKNOWN"));
  EXPECT_THAT(world.registry().requests(), SizeIs(1));
}

TEST(AnUpload, OfAnotherRepositoryIsUnknown) {
  DataplaneWorld world(PushRegistry);
  const std::string location = world.Do("POST", kPushUploads).Header("location");
  const std::string segment = location.substr(location.rfind('/') + 1);

  const RawResponse response = world.Do(
      "PATCH", "/v2/namespaces/default/connectors/harbor/team/other/blobs/uploads/" + segment);

  EXPECT_EQ(response.status, 404);
  EXPECT_THAT(world.registry().requests(), SizeIs(1));
}

// Distribution and its family: every DELETE wants the right to delete.
HttpAnswer RegistryThatWantsDelete(const HttpRequest& request) {
  if (request.method != "DELETE") {
    return PushRegistry(request);
  }
  if (request.Header("authorization") != "Bearer delete-token-123") {
    return {.status = 401};
  }
  return {.status = 204, .headers = {{"Docker-Upload-UUID", "session-1"}}};
}

token::GrantResult TokenOfItsActions(const token::GrantRequest& grant_request) {
  const bool cancel = grant_request.scopes.front().ToString() == "repository:team/app:delete";
  return MakeGrant({"default", "harbor"}, cancel ? "delete-token-123" : kUpstreamToken, "epoch-1");
}

TEST(AnUpload, IsCancelledWithTheRightToDeleteWhereTheRegistryWantsThat) {
  DataplaneWorld world(RegistryThatWantsDelete);
  world.issuer().SetAnswer(TokenOfItsActions);
  const RawResponse begun = world.Do("POST", kPushUploads);

  const RawResponse cancelled = world.Do("DELETE", begun.Header("location"));

  EXPECT_EQ(cancelled.status, 204);
  EXPECT_EQ(cancelled.Header("docker-upload-uuid"), begun.Header("docker-upload-uuid"));
  // The token that could not cancel is still good for all else.
  EXPECT_EQ(world.Do("POST", kPushUploads).status, 202);
  EXPECT_THAT(world.issuer().asks(), SizeIs(2));
}

TEST(AnUpload, OfACallerWithoutThatRightIsNotCancelled) {
  DataplaneWorld world(RegistryThatWantsDelete);
  const std::string location = world.Do("POST", kPushUploads).Header("location");
  world.issuer().SetAnswer([](const token::GrantRequest&) -> token::GrantResult {
    return token::GrantDenial{token::DenialReason::kAccessDenied, "no rule allows delete", {}, "s"};
  });

  const RawResponse response = world.Do("DELETE", location);

  EXPECT_EQ(response.status, 403);
  EXPECT_THAT(response.body, HasSubstr("no rule allows delete"));
}

TEST(AnUpload, IsCancelledWithTheRightToPushWhereThatIsEnough) {
  DataplaneWorld world([](const HttpRequest& request) {
    return request.method == "DELETE" ? HttpAnswer{.status = 204} : PushRegistry(request);
  });
  const std::string location = world.Do("POST", kPushUploads).Header("location");

  EXPECT_EQ(world.Do("DELETE", location).status, 204);
  EXPECT_THAT(world.issuer().asks(), SizeIs(1));
}

TEST(AChunkedBody, IsChunkedAnewAndKeepsTheConnectionInStep) {
  DataplaneWorld world(PushRegistry);
  const std::string location = world.Do("POST", kPushUploads).Header("location");
  RawClient client(world.port());

  client.Send(DataplaneWorld::Request("PATCH", location, "Transfer-Encoding: chunked\r\n") +
              "5;ext=1\r\nhello\r\n1\r\n!\r\n0\r\nX-Trailer: t\r\n\r\n" +
              DataplaneWorld::Request("GET", "/v2/"));

  EXPECT_EQ(client.Read().status, 202);
  EXPECT_EQ(client.Read().body, "{}");
  const HttpRequest seen = world.registry().requests().back();
  EXPECT_EQ(seen.body, "hello!");
  EXPECT_EQ(seen.Header("transfer-encoding"), "chunked");
  EXPECT_EQ(seen.Header("content-length"), "");
}

TEST(ALargeBody, ArrivesWhole) {
  const std::string body(2 * 1024 * 1024 + 3, 'u');
  DataplaneWorld world(PushRegistry);
  const std::string location = world.Do("POST", kPushUploads).Header("location");

  EXPECT_EQ(world.Do("PATCH", location, "", body).status, 202);
  EXPECT_TRUE(world.registry().requests().back().body == body);
}

TEST(AMalformedChunkedBody, IsRefusedAndTheConnectionCloses) {
  DataplaneWorld world(PushRegistry);
  const std::string location = world.Do("POST", kPushUploads).Header("location");
  RawClient client(world.port());

  client.Send(DataplaneWorld::Request("PATCH", location, "Transfer-Encoding: chunked\r\n") +
              "+5\r\nhello\r\n0\r\n\r\n");

  EXPECT_EQ(client.Read().status, 400);
  EXPECT_TRUE(client.AtEnd());
}

TEST(ABodyThatIsCutShort, DoesNotReachTheRegistryAsWhole) {
  DataplaneWorld world(PushRegistry);
  const std::string location = world.Do("POST", kPushUploads).Header("location");
  {
    RawClient client(world.port());
    client.Send(DataplaneWorld::Request("PATCH", location, "Content-Length: 10\r\n") + "half");
  }
  // The next request comes after the cut one on the same core.
  EXPECT_EQ(world.Do("GET", "/v2/").status, 200);
  for (const HttpRequest& request : world.registry().requests()) {
    EXPECT_NE(request.method, "PATCH");
  }
}

TEST(ExpectContinue, IsAnsweredBeforeTheBodyIsRead) {
  DataplaneWorld world(PushRegistry);
  const std::string location = world.Do("POST", kPushUploads).Header("location");
  RawClient client(world.port());

  client.Send(
      DataplaneWorld::Request("PATCH", location, "Expect: 100-continue\r\nContent-Length: 5\r\n"));
  EXPECT_EQ(client.Read().status, 100);
  client.Send("hello");

  EXPECT_EQ(client.Read().status, 202);
  EXPECT_EQ(world.registry().requests().back().Header("expect"), "");
}

TEST(ExpectContinue, GetsTheRefusalInsteadWhenThereIsOne) {
  DataplaneWorld world(PushRegistry);
  world.issuer().SetAnswer([](const token::GrantRequest&) -> token::GrantResult {
    return token::GrantDenial{token::DenialReason::kAccessDenied, "no rule allows push", {}, "s"};
  });
  RawClient client(world.port());

  client.Send(DataplaneWorld::Request(
      "PUT",
      std::string(kRepositoryPath) + "/manifests/v1",
      "Content-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 5\r\n"));
  const RawResponse response = client.Read();

  EXPECT_EQ(response.status, 403);
  EXPECT_THAT(response.body, HasSubstr("no rule allows push"));
}

TEST(AnAnswerBeforeTheBody, ReachesTheClientAndEndsTheConnection) {
  DataplaneWorld world(PushRegistry);
  world.registry().AnswerEarly([](const HttpRequest& request) -> std::optional<HttpAnswer> {
    if (request.method != "PUT") {
      return std::nullopt;
    }
    return HttpAnswer{
        .status = 413, .headers = {{"Content-Type", "application/json"}}, .body = "{}"};
  });
  RawClient client(world.port());

  client.Send(
      DataplaneWorld::Request("PUT",
                              std::string(kRepositoryPath) + "/manifests/v1",
                              "Content-Type: application/json\r\nContent-Length: 1000000\r\n"));
  client.Send("{");
  const RawResponse response = client.Read();

  EXPECT_EQ(response.status, 413);
  EXPECT_EQ(response.Header("connection"), "close");
  client.Close();
}

TEST(ABodyBehindARefusal, IsReadAwaySoThatTheAnswerArrives) {
  DataplaneWorld world(PushRegistry);
  RawClient client(world.port());
  const std::string body(4 * 1024 * 1024, 'x');

  client.Send("PATCH " + kPushUploads + "abc HTTP/1.1\r\nHost: a\r\nContent-Length: " +
              std::to_string(body.size()) + "\r\n\r\n");
  client.Send(body);

  EXPECT_EQ(client.Read().status, 401);
}

TEST(AChunkedManifest, OverTheLimitIsRefusedAndDoesNotReachTheRegistryAsWhole) {
  DataplaneWorld world(PushRegistry);
  RawClient client(world.port());
  std::string chunks;
  const std::string payload(1024 * 1024, 'm');
  for (int i = 0; i < 9; ++i) {
    chunks.append("100000\r\n").append(payload).append("\r\n");
  }

  client.Send(DataplaneWorld::Request("PUT",
                                      std::string(kRepositoryPath) + "/manifests/v1",
                                      "Content-Type: application/json\r\n"
                                      "Transfer-Encoding: chunked\r\n"));
  client.Send(chunks + "0\r\n\r\n");

  EXPECT_EQ(client.Read().status, 413);
  EXPECT_THAT(world.registry().requests(), SizeIs(0));
}

TEST(AFormBody, NeverReachesTheRegistry) {
  DataplaneWorld world(PushRegistry);

  const RawResponse response = world.Do("POST",
                                        kPushUploads + "?digest=" + kPushDigest,
                                        "Content-Type: application/x-www-form-urlencoded\r\n",
                                        "mount=" + kPushDigest + "&from=secret/repo");

  EXPECT_EQ(response.status, 415);
  EXPECT_THAT(world.registry().requests(), SizeIs(0));
}

TEST(AManifest, IsPushedByDigestWithItsTags) {
  DataplaneWorld world([](const HttpRequest&) {
    return HttpAnswer{.status = 201,
                      .headers = {{"Location", "http://elsewhere/v2/team/app/manifests/x"},
                                  {"Docker-Content-Digest", kPushDigest},
                                  {"OCI-Subject", kPushDigest},
                                  {"OCI-Tag", "v1"},
                                  {"OCI-Tag", "v2"}}};
  });
  const std::string path = std::string(kRepositoryPath) + "/manifests/" + kPushDigest;

  const RawResponse response =
      world.Do("PUT", path + "?tag=v1&tag=v2", "Content-Type: application/json\r\n", "{}");

  EXPECT_EQ(response.Header("location"), path);
  EXPECT_EQ(response.Header("oci-subject"), kPushDigest);
  EXPECT_THAT(response.head, HasSubstr("OCI-Tag: v1\r\nOCI-Tag: v2\r\n"));
  EXPECT_EQ(world.registry().requests().at(0).Query("tag"), (std::vector<std::string>{"v1", "v2"}));
}

TEST(AMount, AsksForBothRepositoriesAndNamesTheSourceAsTheRegistryDoes) {
  DataplaneWorld world(PushRegistry);

  static_cast<void>(world.Do(
      "POST",
      kPushUploads +
          "?from=namespaces%2Fdefault%2Fconnectors%2Fharbor%2Fteam%2Fbase&mount=" + kPushDigest));

  using ::connector::oci::Action;
  EXPECT_EQ(world.issuer().asks().at(0).scopes,
            (std::vector<::connector::oci::Scope>{{"team/app", {Action::kPull, Action::kPush}},
                                                  {"team/base", {Action::kPull}}}));
  EXPECT_EQ(world.registry().requests().at(0).Query("from"),
            (std::vector<std::string>{"team/base"}));
}

TEST(AMount, FromAnotherConnectorBecomesAPlainUpload) {
  DataplaneWorld world(PushRegistry);

  const RawResponse response = world.Do(
      "POST",
      kPushUploads + "?from=namespaces/default/connectors/other/team/base&mount=" + kPushDigest);

  EXPECT_EQ(response.status, 202);
  EXPECT_EQ(world.registry().requests().at(0).target, "/v2/team/app/blobs/uploads/");
}

TEST(AnUploadLocation, OnAnotherHostThatIsNotListedIsRefused) {
  DataplaneWorld world([](const HttpRequest&) {
    return HttpAnswer{.status = 202,
                      .headers = {{"Location", "https://bucket.example.com/upload?sig=1"}}};
  });

  const RawResponse response = world.Do("POST", kPushUploads);

  EXPECT_EQ(response.status, 502);
  EXPECT_EQ(response.Header("location"), "");
}

TEST(AnUploadLocation, OnAHostThatIsNoLongerListedIsUnknown) {
  testing_support::HttpServer bucket([](const HttpRequest&) { return HttpAnswer{.status = 201}; });
  DataplaneWorld world(
      [&](const HttpRequest&) {
        return HttpAnswer{.status = 202, .headers = {{"Location", bucket.address() + "/up?sig=1"}}};
      },
      {.adjust = [](routes::Route& route) { route.redirects.hosts = {"127.0.0.1"}; }});
  const std::string location = world.Do("POST", kPushUploads).Header("location");

  world.PublishRoute("epoch-1");

  EXPECT_EQ(world.Do("PUT", location + "?digest=" + kPushDigest, "", "data").status, 404);
  EXPECT_THAT(bucket.requests(), SizeIs(0));
}

TEST(AnUploadLocation, OnAListedHostIsUsedWithoutTheCredential) {
  testing_support::HttpServer bucket([](const HttpRequest&) { return HttpAnswer{.status = 201}; });
  DataplaneWorld world(
      [&](const HttpRequest&) {
        return HttpAnswer{.status = 202, .headers = {{"Location", bucket.address() + "/up?sig=1"}}};
      },
      {.adjust = [](routes::Route& route) { route.redirects.hosts = {"127.0.0.1"}; }});
  const std::string location = world.Do("POST", kPushUploads).Header("location");

  EXPECT_EQ(world.Do("PUT", location + "?digest=" + kPushDigest, "", "data").status, 201);

  ASSERT_THAT(bucket.requests(), SizeIs(1));
  EXPECT_EQ(bucket.requests()[0].Header("authorization"), "");
  EXPECT_EQ(bucket.requests()[0].body, "data");
}

}  // namespace
}  // namespace connector::dataplane
