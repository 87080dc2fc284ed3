#include "tests/support/dataplane_world.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

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
using testing_support::RawResponse;

const std::string kDigest = "sha256:" + std::string(64, 'a');
const std::string kBlob = std::string(kRepositoryPath) + "/blobs/" + kDigest;

void ListLoopback(table::Route& route) { route.redirect_hosts = {"127.0.0.1"}; }

HttpServer::Handler RedirectTo(const HttpServer& store) {
  return [&store](const HttpRequest&) {
    return HttpAnswer{.status = 307,
                      .headers = {{"Location", store.address() + "/blob?signature=s1gn"}}};
  };
}

TEST(ABlobRedirect, IsFollowedInsideWithoutTheCredential) {
  HttpServer store([](const HttpRequest&) { return HttpAnswer{.status = 200, .body = "bytes"}; });
  DataplaneWorld world(RedirectTo(store), {.adjust = ListLoopback});

  const RawResponse response = world.Do("GET", kBlob);

  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "bytes");
  EXPECT_EQ(response.Header("location"), "");
  EXPECT_EQ(response.Header("docker-content-digest"), kDigest) << "the store does not know it";
  ASSERT_THAT(store.requests(), SizeIs(1));
  EXPECT_EQ(store.requests()[0].Header("authorization"), "");
  EXPECT_EQ(store.requests()[0].target, "/blob?signature=s1gn");
  EXPECT_THAT(world.log(), Not(HasSubstr("s1gn")));
}

TEST(ABlobRedirect, ToAPrivateAddressThatIsNotListedIsRefused) {
  HttpServer store([](const HttpRequest&) { return HttpAnswer{.status = 200, .body = "secret"}; });
  DataplaneWorld world(RedirectTo(store));

  EXPECT_EQ(world.Do("GET", kBlob).status, 502);
  EXPECT_THAT(store.requests(), SizeIs(0));
}

TEST(ABlobRedirect, ToANameThatResolvesToAPrivateAddressIsRefused) {
  HttpServer store([](const HttpRequest&) { return HttpAnswer{.status = 200, .body = "secret"}; });
  DataplaneWorld world([&](const HttpRequest&) {
    return HttpAnswer{.status = 307,
                      .headers = {{"Location",
                                   "http://localhost:" + std::to_string(store.port()) + "/b"}}};
  });

  EXPECT_EQ(world.Do("GET", kBlob).status, 502);
  EXPECT_EQ(store.connections(), 0U);
}

TEST(ABlobRedirect, OfAHeadBecomesAOneByteGet) {
  HttpServer store([](const HttpRequest& request) {
    return request.method == "GET" && request.Header("range") == "bytes=0-0"
               ? HttpAnswer{.status = 206,
                            .headers = {{"Content-Range", "bytes 0-0/12345"}},
                            .body = "x"}
               : HttpAnswer{.status = 403};
  });
  DataplaneWorld world(RedirectTo(store), {.adjust = ListLoopback});

  const RawResponse response = world.Do("HEAD", kBlob);

  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.Header("content-length"), "12345");
  EXPECT_EQ(response.Header("content-range"), "");
}

TEST(ABlobRedirect, ThatGoesInCirclesEnds) {
  DataplaneWorld world(
      [](const HttpRequest& request) {
        return HttpAnswer{.status = 307,
                          .headers = {{"Location",
                                       "http://" + request.Header("host") + "/again"}}};
      },
      {.adjust = ListLoopback});

  EXPECT_EQ(world.Do("GET", kBlob).status, 502);
  EXPECT_THAT(world.registry().requests(), SizeIs(6));
}

TEST(ABlobRedirect, ToTheSameBlobOnTheSameOriginKeepsTheCredential) {
  DataplaneWorld world([](const HttpRequest& request) {
    return request.Query("again").empty()
               ? HttpAnswer{.status = 307, .headers = {{"Location", request.target + "?again=1"}}}
               : HttpAnswer{.status = 200, .body = request.Header("authorization")};
  });

  const RawResponse response = world.Do("GET", kBlob);

  EXPECT_THAT(response.status, ::testing::AnyOf(200, 502));
  for (const HttpRequest& request : world.registry().requests()) {
    if (request.target.find("/v2/team/app/blobs/" + kDigest) != 0) {
      EXPECT_EQ(request.Header("authorization"), "");
    }
  }
}

TEST(ABlobRedirect, IsHandedToTheClientInPassMode) {
  DataplaneWorld world(
      [](const HttpRequest&) {
        return HttpAnswer{.status = 307,
                          .headers = {{"Location", "https://cdn.example.com/b?sig=1"}}};
      },
      {.adjust = [](table::Route& route) { route.redirect_mode = table::RedirectMode::kPass; }});

  const RawResponse response = world.Do("GET", kBlob);

  EXPECT_EQ(response.status, 307);
  EXPECT_EQ(response.Header("location"), "https://cdn.example.com/b?sig=1");
}

TEST(ABlobStoreThatRefuses, IsA502AndNotOurCallersFault) {
  HttpServer store([](const HttpRequest&) { return HttpAnswer{.status = 403, .body = "expired"}; });
  DataplaneWorld world(RedirectTo(store), {.adjust = ListLoopback});

  EXPECT_EQ(world.Do("GET", kBlob).status, 502);
}

}  // namespace
}  // namespace connector::dataplane
