#include "tests/support/cpp/dataplane_world.h"
#include "tests/support/cpp/result_matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>

namespace connector::dataplane {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using testing_support::DataplaneWorld;
using testing_support::HttpAnswer;
using testing_support::HttpRequest;
using testing_support::kRepositoryPath;
using testing_support::kUpstreamToken;
using testing_support::MakeGrant;
using testing_support::RawClient;
using testing_support::RawResponse;

const std::string kPullManifest = std::string(kRepositoryPath) + "/manifests/v1";
const std::string kPullDigest = "sha256:" + std::string(64, 'a');
const std::string kPullBlob = std::string(kRepositoryPath) + "/blobs/" + kPullDigest;

HttpAnswer Manifest(const HttpRequest&) {
  return {.status = 200,
          .headers = {{"Content-Type", "application/vnd.oci.image.manifest.v1+json"},
                      {"Docker-Content-Digest", kPullDigest},
                      {"Set-Cookie", "sid=1"},
                      {"WWW-Authenticate", "Bearer realm=\"https://r\""}},
          .body = "{\"manifest\":1}"};
}

TEST(APull, CarriesTheUpstreamTokenAndNotTheCallers) {
  DataplaneWorld world(Manifest);

  const RawResponse response = world.Do("GET", kPullManifest, "Cookie: a=b\r\n");

  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "{\"manifest\":1}");
  ASSERT_THAT(world.registry().requests(), SizeIs(1));
  const HttpRequest seen = world.registry().requests()[0];
  EXPECT_EQ(seen.target, "/v2/team/app/manifests/v1");
  EXPECT_EQ(seen.Header("authorization"), "Bearer " + std::string(kUpstreamToken));
  EXPECT_EQ(seen.Header("cookie"), "");
  EXPECT_EQ(seen.Header("host"), "127.0.0.1:" + std::to_string(world.registry().port()));
}

TEST(APull, NeverShowsTheClientWhatTheRegistryMeantForUs) {
  DataplaneWorld world(Manifest);

  const RawResponse response = world.Do("GET", kPullManifest);

  EXPECT_EQ(response.Header("set-cookie"), "");
  EXPECT_EQ(response.Header("www-authenticate"), "");
  EXPECT_EQ(response.Header("docker-content-digest"), kPullDigest);
  EXPECT_THAT(response.head, Not(HasSubstr(kUpstreamToken)));
}

TEST(APull, AsksTheBrokerForExactlyTheRepositoryAndAction) {
  DataplaneWorld world(Manifest);

  static_cast<void>(world.Do("GET", kPullManifest));

  ASSERT_THAT(world.issuer().asks(), SizeIs(1));
  const token::GrantRequest grant_request = world.issuer().asks()[0];
  EXPECT_EQ(grant_request.connector, (ConnectorRef{"default", "harbor"}));
  EXPECT_EQ(grant_request.caller_token->Reveal(), "caller-token");
  EXPECT_EQ(
      grant_request.scopes,
      (std::vector<::connector::oci::Scope>{{"team/app", {::connector::oci::Action::kPull}}}));
}

TEST(APull, AsksTheBrokerOnceForManyRequestsOfOneCaller) {
  DataplaneWorld world(Manifest);
  RawClient client(world.port());

  for (int i = 0; i < 5; ++i) {
    client.Send(DataplaneWorld::Request("GET", kPullManifest));
    EXPECT_EQ(client.Read().status, 200);
  }

  EXPECT_THAT(world.issuer().asks(), SizeIs(1));
  EXPECT_EQ(world.registry().connections(), 1U) << "the upstream connection is reused";
}

TEST(APull, OfAnotherCallerAsksTheBrokerAgain) {
  DataplaneWorld world(Manifest);
  RawClient client(world.port());
  client.Send(DataplaneWorld::Request("GET", kPullManifest));
  EXPECT_EQ(client.Read().status, 200);

  client.Send("GET " + kPullManifest +
              " HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer other\r\n\r\n");
  EXPECT_EQ(client.Read().status, 200);

  ASSERT_THAT(world.issuer().asks(), SizeIs(2));
  EXPECT_EQ(world.issuer().asks()[1].caller_token->Reveal(), "other");
}

TEST(APull, TakesTheCallersTokenFromABasicPassword) {
  DataplaneWorld world(Manifest);
  RawClient client(world.port());

  client.Send("GET " + kPullManifest +
              " HTTP/1.1\r\nHost: a\r\nAuthorization: Basic YW55OmNhbGxlci10b2tlbg==\r\n\r\n");

  EXPECT_EQ(client.Read().status, 200);
  EXPECT_EQ(world.issuer().asks().at(0).caller_token->Reveal(), "caller-token");
}

TEST(APull, WithoutACredentialIsChallengedOnTheFirstRealRequest) {
  DataplaneWorld world(Manifest);
  RawClient client(world.port());

  client.Send("GET " + kPullManifest + " HTTP/1.1\r\nHost: a\r\n\r\n");
  const RawResponse response = client.Read();

  EXPECT_EQ(response.status, 401);
  EXPECT_EQ(response.Header("www-authenticate"), "Basic realm=\"oci-connector\"");
  EXPECT_THAT(world.registry().requests(), SizeIs(0));
}

TEST(APull, ReachesTheConnectorThatTheHostNames) {
  DataplaneWorld world(Manifest);
  RawClient client(world.port());

  client.Send(
      "GET /v2/team/app/manifests/v1 HTTP/1.1\r\nHost: c-harbor.default.svc\r\n"
      "Authorization: Bearer caller-token\r\n\r\n");

  EXPECT_EQ(client.Read().status, 200);
  EXPECT_EQ(world.issuer().asks().at(0).connector, (ConnectorRef{"default", "harbor"}));
}

TEST(APull, OfAMirrorLetsTheBrokerFindTheConnector) {
  DataplaneWorld world(Manifest);

  const RawResponse response = world.Do("GET", "/v2/team/app/manifests/v1?ns=harbor.example.com");

  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.Header("oci-namespace"), "harbor.example.com");
  EXPECT_EQ(world.issuer().asks().at(0).upstream_host, "harbor.example.com");
  EXPECT_EQ(world.registry().requests().at(0).target, "/v2/team/app/manifests/v1");
}

TEST(APull, WhoseNsIsAnotherRegistryThanTheConnectorsIsRefused) {
  DataplaneWorld world(Manifest);

  EXPECT_EQ(world.Do("GET", kPullManifest + "?ns=other.example.com").status, 400);
  EXPECT_THAT(world.registry().requests(), SizeIs(0));
}

TEST(APull, IsAnsweredInOrderWhenTwoComeInOnePacket) {
  DataplaneWorld world(
      [](const HttpRequest& request) { return HttpAnswer{.status = 200, .body = request.target}; });
  RawClient client(world.port());

  client.Send(DataplaneWorld::Request("GET", kPullManifest) +
              DataplaneWorld::Request("GET", std::string(kRepositoryPath) + "/manifests/v2"));

  EXPECT_EQ(client.Read().body, "/v2/team/app/manifests/v1");
  EXPECT_EQ(client.Read().body, "/v2/team/app/manifests/v2");
}

TEST(AHead, KeepsTheLengthThatTheRegistryTells) {
  DataplaneWorld world(Manifest);
  RawClient client(world.port());

  client.Send(DataplaneWorld::Request("HEAD", kPullManifest));
  const RawResponse response = client.Read(true);
  client.Send(DataplaneWorld::Request("GET", kPullManifest));

  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.Header("content-length"), "14");
  EXPECT_EQ(client.Read().body, "{\"manifest\":1}") << "the connection stays in step";
}

TEST(AHead, KeepsTheRangeThatTheRegistryTells) {
  DataplaneWorld world([](const HttpRequest& request) {
    return HttpAnswer{.status = 206,
                      .headers = {{"Content-Range", "bytes 0-3/9"}},
                      .body = request.method == "HEAD" ? "" : "blob"};
  });
  RawClient client(world.port());

  client.Send(DataplaneWorld::Request("HEAD", kPullBlob, "Range: bytes=0-3\r\n"));

  EXPECT_EQ(client.Read(true).Header("content-range"), "bytes 0-3/9");
}

TEST(ABlob, StreamsWhole) {
  const std::string blob(3 * 1024 * 1024 + 17, 'b');
  DataplaneWorld world([&](const HttpRequest&) { return HttpAnswer{.status = 200, .body = blob}; });

  const RawResponse response = world.Do("GET", kPullBlob);

  EXPECT_EQ(response.status, 200);
  EXPECT_TRUE(response.body == blob);
}

TEST(ABlob, ThatTheRegistryChunksArrivesChunkedAndWhole) {
  DataplaneWorld world([](const HttpRequest&) {
    return HttpAnswer{.raw =
                          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                          "5;name=value\r\nhello\r\n6\r\n world\r\n0\r\nX-Trailer: t\r\n\r\n"};
  });

  const RawResponse response = world.Do("GET", kPullBlob);

  EXPECT_EQ(response.body, "hello world");
  EXPECT_TRUE(response.complete);
  EXPECT_EQ(response.Header("x-trailer"), "");
}

TEST(ABlob, ForAnHttp10ClientEndsWithTheConnection) {
  DataplaneWorld world([](const HttpRequest&) {
    return HttpAnswer{.raw =
                          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                          "5\r\nhello\r\n0\r\n\r\n"};
  });
  RawClient client(world.port());

  client.Send("GET " + kPullBlob +
              " HTTP/1.0\r\nHost: a\r\nAuthorization: Bearer caller-token\r\n\r\n");
  const RawResponse response = client.Read();

  EXPECT_EQ(response.Header("transfer-encoding"), "");
  EXPECT_EQ(response.body, "hello");
}

TEST(ABlob, RangePassesBothWays) {
  DataplaneWorld world([](const HttpRequest& request) {
    return HttpAnswer{.status = 206,
                      .headers = {{"Content-Range", "bytes 0-1/5"}},
                      .body = request.Header("range") == "bytes=0-1" ? "he" : "?"};
  });

  const RawResponse response = world.Do("GET", kPullBlob, "Range: bytes=0-1\r\n");

  EXPECT_EQ(response.status, 206);
  EXPECT_EQ(response.Header("content-range"), "bytes 0-1/5");
  EXPECT_EQ(response.body, "he");
}

TEST(AnInformationalAnswer, IsNotTakenForTheAnswer) {
  DataplaneWorld world([](const HttpRequest&) {
    return HttpAnswer{.raw =
                          "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
                          "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"};
  });

  EXPECT_EQ(world.Do("GET", kPullManifest).body, "ok");
}

TEST(ATagList, LinkPointsBackToTheProxy) {
  DataplaneWorld world([](const HttpRequest&) {
    return HttpAnswer{.status = 200,
                      .headers = {{"Link", "</v2/team/app/tags/list?last=b&n=2>; rel=\"next\""}},
                      .body = "{}"};
  });

  const RawResponse response = world.Do("GET", std::string(kRepositoryPath) + "/tags/list?n=2");

  EXPECT_EQ(response.Header("link"),
            "<" + std::string(kRepositoryPath) + "/tags/list?n=2&last=b>; rel=\"next\"");
}

// 12 MiB of it: what a registry without pages gives, with the name behind all the rest.
class ALongTagList : public ::testing::TestWithParam<bool> {};

TEST_P(ALongTagList, IsPassedOnWithTheNameThatTheClientAskedFor) {
  const std::string tags = R"({"tags":[")" + std::string(12 << 20, 't') + R"("],"name":")";
  const std::string list = tags + "team/app\"}";
  std::ostringstream chunked;
  chunked << "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
          << std::hex << list.size() << "\r\n"
          << list << "\r\n0\r\n\r\n";
  DataplaneWorld world([&](const HttpRequest&) {
    return GetParam() ? HttpAnswer{.raw = chunked.str()} : HttpAnswer{.status = 200, .body = list};
  });

  const std::string target = std::string(kRepositoryPath) + "/tags/list";
  const RawResponse response = world.Do("GET", target);

  EXPECT_EQ(response.status, 200);
  EXPECT_TRUE(response.complete);
  EXPECT_TRUE(response.body == tags + "namespaces/default/connectors/harbor/team/app\"}");
  EXPECT_EQ(world.Do("HEAD", target).status, 200);
}

INSTANTIATE_TEST_SUITE_P(Framed, ALongTagList, ::testing::Bool(), [](const auto& row) {
  return row.param ? "InChunks" : "ByItsLength";
});

TEST(ATagList, TellsTheNameThatTheClientAskedFor) {
  DataplaneWorld world([](const HttpRequest&) {
    return HttpAnswer{.status = 200, .body = R"({"name":"team/app","tags":["v1"]})"};
  });

  EXPECT_EQ(world.Do("GET", std::string(kRepositoryPath) + "/tags/list").body,
            R"({"name":"namespaces/default/connectors/harbor/team/app","tags":["v1"]})");
}

// No registry that the tests can have knows referrers, so this one is scripted.
TEST(AReferrersList, IsAskedForByKindAndSaysWhetherItWasFiltered) {
  DataplaneWorld world([](const HttpRequest&) {
    return HttpAnswer{.status = 200, .headers = {{"OCI-Filters-Applied", "artifactType"}}};
  });
  const std::string list = std::string(kRepositoryPath) + "/referrers/" + kPullDigest;

  const RawResponse response = world.Do("GET", list + "?artifactType=application/vnd.x%2Bjson");

  EXPECT_EQ(response.Header("oci-filters-applied"), "artifactType");
  const HttpRequest asked = world.registry().requests().at(0);
  EXPECT_EQ(asked.Query("artifactType"), (std::vector<std::string>{"application/vnd.x+json"}));
}

TEST(Ping, ChallengesWithoutACredentialAndAcceptsAVerifiedOne) {
  DataplaneWorld world(Manifest);
  RawClient client(world.port());

  client.Send("GET /v2/ HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(client.Read().status, 401);
  client.Send(DataplaneWorld::Request("GET", "/v2/"));
  const RawResponse response = client.Read();

  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "{}");
  EXPECT_EQ(response.Header("docker-distribution-api-version"), "registry/2.0");
  EXPECT_THAT(world.registry().requests(), SizeIs(0)) << "never forwarded";
}

TEST(Ping, WithATokenThatTheBrokerRefusesIsChallenged) {
  DataplaneWorld world(Manifest);
  world.issuer().SetAnswer([](const token::GrantRequest&) -> token::GrantResult {
    return token::GrantDenial{token::DenialReason::kCallerUnauthenticated, "", {}, ""};
  });

  EXPECT_EQ(world.Do("GET", "/v2/").status, 401);
}

}  // namespace
}  // namespace connector::dataplane
