#include "tests/support/cpp/dataplane_world.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <utility>

namespace connector::dataplane {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using testing_support::DataplaneWorld;
using testing_support::HttpAnswer;
using testing_support::HttpRequest;
using testing_support::HttpServer;
using testing_support::kRepositoryPath;
using testing_support::kUpstreamToken;
using testing_support::RawClient;
using testing_support::RawResponse;

const std::string kRedirectDigest = "sha256:" + std::string(64, 'a');
const std::string kRedirectBlob = std::string(kRepositoryPath) + "/blobs/" + kRedirectDigest;

void ListLoopbackStore(routes::Route& route) {
  route.redirects.hosts = {"127.0.0.1"};
}

HttpServer::Handler RedirectToPath(const HttpServer& store) {
  return [&store](const HttpRequest&) {
    return HttpAnswer{.status = 307,
                      .headers = {{"Location", store.address() + "/blob?signature=s1gn"}}};
  };
}

TEST(ABlobRedirect, IsFollowedInsideWithoutTheCredential) {
  HttpServer store([](const HttpRequest&) { return HttpAnswer{.status = 200, .body = "bytes"}; });
  DataplaneWorld world(RedirectToPath(store), {.adjust = ListLoopbackStore});

  const RawResponse response = world.Do("GET", kRedirectBlob);

  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "bytes");
  EXPECT_EQ(response.Header("location"), "");
  EXPECT_EQ(response.Header("docker-content-digest"), kRedirectDigest)
      << "the store does not know it";
  ASSERT_THAT(store.requests(), SizeIs(1));
  EXPECT_EQ(store.requests()[0].Header("authorization"), "");
  EXPECT_EQ(store.requests()[0].target, "/blob?signature=s1gn");
  EXPECT_THAT(world.log(), Not(HasSubstr("s1gn")));
}

TEST(ABlobRedirect, ToAPrivateAddressThatIsNotListedIsRefused) {
  HttpServer store([](const HttpRequest&) { return HttpAnswer{.status = 200, .body = "secret"}; });
  DataplaneWorld world(RedirectToPath(store));

  EXPECT_EQ(world.Do("GET", kRedirectBlob).status, 502);
  EXPECT_THAT(store.requests(), SizeIs(0));
}

TEST(ABlobRedirect, ToANameThatResolvesToAPrivateAddressIsRefused) {
  HttpServer store([](const HttpRequest&) { return HttpAnswer{.status = 200, .body = "secret"}; });
  DataplaneWorld world([&](const HttpRequest&) {
    return HttpAnswer{
        .status = 307,
        .headers = {{"Location", "http://localhost:" + std::to_string(store.port()) + "/b"}}};
  });

  EXPECT_EQ(world.Do("GET", kRedirectBlob).status, 502);
  EXPECT_EQ(store.connections(), 0U);
}

TEST(ABlobRedirect, OfAHeadGoesOnAsAHead) {
  HttpServer store([](const HttpRequest& request) {
    return request.method == "HEAD" ? HttpAnswer{.status = 200, .body = "12345"}
                                    : HttpAnswer{.status = 403};
  });
  DataplaneWorld world(RedirectToPath(store), {.adjust = ListLoopbackStore});

  const RawResponse response = world.Do("HEAD", kRedirectBlob);

  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.Header("content-length"), "5");
  EXPECT_EQ(response.Header("docker-content-digest"), kRedirectDigest);
  EXPECT_THAT(store.requests(), SizeIs(1));
}

TEST(ABlobRedirect, OfAHeadIs200WhereNobodyTellsASize) {
  HttpServer store([](const HttpRequest&) {
    return HttpAnswer{.raw = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"};
  });
  DataplaneWorld world(RedirectToPath(store), {.adjust = ListLoopbackStore});

  const RawResponse response = world.Do("HEAD", kRedirectBlob);

  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.Header("content-length"), "");
  EXPECT_THAT(store.requests(), SizeIs(2));
}

TEST(ABlobRedirect, OfAHeadThatTheStoreRefusesBecomesAOneByteGet) {
  HttpServer store([](const HttpRequest& request) {
    return request.method == "GET" && request.Header("range") == "bytes=0-0"
               ? HttpAnswer{.status = 206,
                            .headers = {{"Content-Range", "bytes 0-0/12345"}},
                            .body = "x"}
               : HttpAnswer{.status = 403};
  });
  DataplaneWorld world(RedirectToPath(store), {.adjust = ListLoopbackStore});

  const RawResponse response = world.Do("HEAD", kRedirectBlob);

  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.Header("content-length"), "12345");
  EXPECT_EQ(response.Header("content-range"), "");
}

TEST(ABlobRedirect, ThatGoesInCirclesEnds) {
  DataplaneWorld world(
      [](const HttpRequest& request) {
        return HttpAnswer{.status = 307,
                          .headers = {{"Location", "http://" + request.Header("host") + "/again"}}};
      },
      {.adjust = ListLoopbackStore});

  EXPECT_EQ(world.Do("GET", kRedirectBlob).status, 502);
  EXPECT_THAT(world.registry().requests(), SizeIs(6));
}

struct SameOrigin {
  std::string name;
  std::string location;
  bool credential;

  friend void PrintTo(const SameOrigin& row, std::ostream* os) { *os << row.name; }
};

class ARedirectOnTheRegistryItself : public ::testing::TestWithParam<SameOrigin> {};

TEST_P(ARedirectOnTheRegistryItself, KeepsTheCredentialForTheSameBlobOnly) {
  std::atomic<int> count{0};
  DataplaneWorld world([&](const HttpRequest& request) {
    std::string location = GetParam().location;
    if (const std::size_t at = location.find("HOST"); at != std::string::npos) {
      location.replace(at, 4, request.Header("host"));
    }
    return ++count == 1 ? HttpAnswer{.status = 307, .headers = {{"Location", location}}}
                        : HttpAnswer{.status = 200, .body = "bytes"};
  });

  EXPECT_EQ(world.Do("GET", kRedirectBlob).body, "bytes");

  ASSERT_THAT(world.registry().requests(), SizeIs(2));
  EXPECT_EQ(world.registry().requests()[1].Header("authorization"),
            GetParam().credential ? "Bearer " + std::string(kUpstreamToken) : "");
}

const std::string kRegistryBlob = "/v2/team/app/blobs/" + kRedirectDigest;

INSTANTIATE_TEST_SUITE_P(
    To,
    ARedirectOnTheRegistryItself,
    ::testing::Values(
        SameOrigin{"TheSameBlob", kRegistryBlob + "?again=1", true},
        SameOrigin{"TheSameBlobInFull", "http://HOST" + kRegistryBlob, true},
        SameOrigin{"TheSameBlobByScheme", "//HOST" + kRegistryBlob, true},
        SameOrigin{"TheSameBlobRelatively", "./" + kRedirectDigest, true},
        SameOrigin{"AQueryAlone", "?again=1", true},
        SameOrigin{"APathThatNormalizesToIt", "/v2/x/../team/app/blobs/" + kRedirectDigest, true},
        SameOrigin{"AnotherRepository", "/v2/team/secret/blobs/" + kRedirectDigest, false},
        SameOrigin{"AnotherRepositoryByDots", "../../secret/blobs/" + kRedirectDigest, false},
        SameOrigin{"AnotherDigest", "/v2/team/app/blobs/sha256:" + std::string(64, 'b'), false},
        SameOrigin{"AManifest", "/v2/team/app/manifests/" + kRedirectDigest, false},
        SameOrigin{"AnEscapedSlash", "/v2/team%2Fapp/blobs/" + kRedirectDigest, false},
        SameOrigin{"EscapedDots", "/v2/team/x/%2e%2e/app/blobs/" + kRedirectDigest, false},
        SameOrigin{"TheTokenService", "/token?scope=repository:team/secret:pull", false}),
    [](const auto& row) { return row.param.name; });

class ARedirectOfEveryStatus : public ::testing::TestWithParam<int> {};

TEST_P(ARedirectOfEveryStatus, IsFollowedWithTheMethodThatItsBlobNeeds) {
  HttpServer store([](const HttpRequest& request) {
    return HttpAnswer{
        .status = 206, .headers = {{"Content-Range", "bytes 0-0/7"}}, .body = request.method};
  });
  DataplaneWorld world(
      [&](const HttpRequest&) {
        return HttpAnswer{.status = GetParam(), .headers = {{"Location", store.address() + "/b"}}};
      },
      {.adjust = ListLoopbackStore});

  EXPECT_EQ(world.Do("GET", kRedirectBlob).body, "GET");
  EXPECT_EQ(world.Do("HEAD", kRedirectBlob).Header("content-length"), "7");
}

INSTANTIATE_TEST_SUITE_P(As, ARedirectOfEveryStatus, ::testing::Values(301, 302, 303, 307, 308));

class NoRedirect : public ::testing::TestWithParam<std::pair<const char*, HttpAnswer>> {};

TEST_P(NoRedirect, IsFollowedOrPassedOn) {
  for (const routing::RedirectMode mode :
       {routing::RedirectMode::kFollow, routing::RedirectMode::kPass}) {
    DataplaneWorld world([](const HttpRequest&) { return GetParam().second; },
                         {.adjust = [mode](routes::Route& route) { route.redirects.mode = mode; }});

    const RawResponse response = world.Do("GET", kRedirectBlob);

    EXPECT_EQ(response.status, 502);
    EXPECT_EQ(response.Header("location"), "");
    EXPECT_THAT(response.head + response.body, Not(HasSubstr(kUpstreamToken)));
    EXPECT_THAT(world.registry().requests(), SizeIs(1));
  }
}

INSTANTIATE_TEST_SUITE_P(
    With,
    NoRedirect,
    ::testing::Values(
        std::pair{"NoLocation", HttpAnswer{.status = 307}},
        std::pair{"AnEmptyLocation", HttpAnswer{.status = 307, .headers = {{"Location", ""}}}},
        std::pair{"TwoLocations",
                  HttpAnswer{.status = 307,
                             .headers = {{"Location", "https://a.example/"},
                                         {"location", "https://b.example/"}}}},
        std::pair{"OurCredential",
                  HttpAnswer{.status = 307,
                             .headers = {{"Location",
                                          "https://a.example/?t=" + std::string(kUpstreamToken)}}}},
        std::pair{"AnotherScheme",
                  HttpAnswer{.status = 307, .headers = {{"Location", "javascript:alert(1)"}}}},
        std::pair{"AnotherStatus",
                  HttpAnswer{.status = 300, .headers = {{"Location", "https://a.example/"}}}}),
    [](const auto& row) { return std::string(row.param.first); });

TEST(ARedirectOfAWrite, ToAnotherOriginIsNotFollowed) {
  HttpServer store([](const HttpRequest&) { return HttpAnswer{.status = 200, .body = "bytes"}; });
  DataplaneWorld world(RedirectToPath(store), {.adjust = ListLoopbackStore});
  const std::string path(kRepositoryPath);

  for (const auto& [method, target] : {std::pair{"DELETE", kRedirectBlob},
                                       std::pair{"DELETE", path + "/manifests/v1"},
                                       std::pair{"POST", path + "/blobs/uploads/"}}) {
    EXPECT_EQ(world.Do(method, target).status, 502) << method << " " << target;
  }
  EXPECT_THAT(store.requests(), SizeIs(0));
}

TEST(ARedirectOfAWrite, OnTheRegistryItselfIsFollowedWithTheCredentialBeforeABodyWasSent) {
  DataplaneWorld world([](const HttpRequest& request) {
    return request.Query("node").empty()
               ? HttpAnswer{.status = 307, .headers = {{"Location", request.target + "?node=2"}}}
               : HttpAnswer{.status = 202,
                            .headers = {{"Location", "/v2/team/app/blobs/uploads/1"}}};
  });
  const std::string uploads = std::string(kRepositoryPath) + "/blobs/uploads/";

  EXPECT_EQ(world.Do("POST", uploads).status, 202);

  ASSERT_THAT(world.registry().requests(), SizeIs(2));
  EXPECT_EQ(world.registry().requests()[1].method, "POST");
  EXPECT_EQ(world.registry().requests()[1].Header("authorization"),
            "Bearer " + std::string(kUpstreamToken));
  EXPECT_EQ(world.Do("POST", uploads + "?digest=" + kRedirectDigest, "", "the body").status, 502);
}

const std::string kMovedManifest = "{\"schemaVersion\":2}";
const std::string kMovedManifestDigest =
    "sha256:bafebd36189ad3688b7b3915ea55d461e0bfcfbdde11e54b0a123999fb6be50f";

HttpServer::Handler RedirectAsItIs(const HttpServer& other) {
  return [&other](const HttpRequest& request) {
    return HttpAnswer{.status = 307, .headers = {{"Location", other.address() + request.target}}};
  };
}

TEST(ARedirectOfAManifestOrAList, ToAListedHostIsFollowedWithoutTheCredential) {
  HttpServer other([](const HttpRequest& request) {
    return HttpAnswer{.status = 200,
                      .headers = {{"Content-Type", "application/json"},
                                  {"Link", "<" + request.target + "?last=v1&n=1>; rel=\"next\""}},
                      .body = kMovedManifest};
  });
  DataplaneWorld world(RedirectAsItIs(other), {.adjust = ListLoopbackStore});
  const std::string path(kRepositoryPath);

  for (const std::string target : {"/manifests/v1", "/tags/list"}) {
    const RawResponse response = world.Do("GET", path + target, "Accept: application/x\r\n");
    EXPECT_EQ(response.status, 200) << target;
    EXPECT_EQ(response.body, kMovedManifest);
    EXPECT_EQ(other.requests().back().Header("authorization"), "");
    EXPECT_EQ(other.requests().back().Header("accept"), "application/x");
    EXPECT_EQ(response.Header("link"),
              target == "/tags/list" ? "<" + path + "/tags/list?n=1&last=v1>; rel=\"next\"" : "");
  }
  EXPECT_EQ(world.Do("HEAD", path + "/manifests/v1").status, 200);
  EXPECT_EQ(other.requests().back().method, "HEAD");

  world.PublishRoute("epoch-1");  // Without the list of hosts.
  const std::size_t before = other.requests().size();
  EXPECT_EQ(world.Do("GET", path + "/manifests/v1").status, 502);
  EXPECT_THAT(other.requests(), SizeIs(before));
}

TEST(ARedirectOfAManifest, IsCheckedAgainstTheDigestThatWasAsked) {
  HttpServer other([](const HttpRequest& request) {
    HttpAnswer answer{.status = 200, .body = kMovedManifest};
    if (request.method == "HEAD") {
      answer.headers.emplace_back("Docker-Content-Digest", kMovedManifestDigest);
    }
    return answer;
  });
  DataplaneWorld world(RedirectAsItIs(other), {.adjust = ListLoopbackStore});
  const std::string manifests = std::string(kRepositoryPath) + "/manifests/";

  EXPECT_EQ(world.Do("GET", manifests + kMovedManifestDigest).body, kMovedManifest);
  EXPECT_EQ(world.Do("HEAD", manifests + kMovedManifestDigest).status, 200);
  const RawResponse bad = world.Do("GET", manifests + kRedirectDigest);
  EXPECT_EQ(bad.status, 502);
  EXPECT_THAT(bad.body, Not(HasSubstr("schemaVersion")));
  EXPECT_EQ(world.Do("HEAD", manifests + kRedirectDigest).status, 502);
}

HttpAnswer Elsewhere(const std::string& location) {
  return {.status = 307, .headers = {{"Location", location}}, .body = "<a href=\"x\">here</a>"};
}

void Pass(routes::Route& route) {
  route.redirects.mode = routing::RedirectMode::kPass;
}

TEST(ABlobRedirect, IsHandedToTheClientInPassModeWithoutItsBody) {
  DataplaneWorld world(
      [](const HttpRequest&) { return Elsewhere("https://cdn.example.com/b?sig=1"); },
      {.adjust = Pass});
  RawClient client(world.port());

  for (const std::string method : {"GET", "HEAD"}) {
    client.Send(DataplaneWorld::Request(method, kRedirectBlob));
    const RawResponse response = client.Read(method == "HEAD");
    EXPECT_EQ(response.status, 307);
    EXPECT_EQ(response.Header("location"), "https://cdn.example.com/b?sig=1");
    EXPECT_EQ(response.body, "");
  }
}

TEST(ABlobRedirect, IsAbsoluteInPassModeWhateverTheRegistryWrote) {
  DataplaneWorld world([](const HttpRequest&) { return Elsewhere("//cdn.example.com/b"); },
                       {.adjust = Pass});

  EXPECT_EQ(world.Do("GET", kRedirectBlob).Header("location"), "http://cdn.example.com/b");
}

TEST(ABlobRedirect, OnTheRegistryItselfIsFollowedInPassModeToo) {
  DataplaneWorld world(
      [](const HttpRequest& request) {
        return request.Query("again").empty() ? Elsewhere("?again=1")
                                              : HttpAnswer{.status = 200, .body = "bytes"};
      },
      {.adjust = Pass});

  EXPECT_EQ(world.Do("GET", kRedirectBlob).body, "bytes");
}

TEST(ABlobStoreThatRefuses, IsA502AndNotOurCallersFault) {
  HttpServer store([](const HttpRequest&) { return HttpAnswer{.status = 403, .body = "expired"}; });
  DataplaneWorld world(RedirectToPath(store), {.adjust = ListLoopbackStore});

  EXPECT_EQ(world.Do("GET", kRedirectBlob).status, 502);
}

}  // namespace
}  // namespace connector::dataplane
