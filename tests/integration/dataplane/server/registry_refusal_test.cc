#include "tests/support/cpp/dataplane_world.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace connector::dataplane {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using testing_support::DataplaneWorld;
using testing_support::HttpAnswer;
using testing_support::HttpRequest;
using testing_support::HttpServer;
using testing_support::kRepositoryPath;
using testing_support::kUpstreamToken;
using testing_support::RawResponse;

const std::string kRefusedManifest = std::string(kRepositoryPath) + "/manifests/v1";
const std::string kRefusedBlob =
    std::string(kRepositoryPath) + "/blobs/sha256:" + std::string(64, 'a');

HttpAnswer RefusalOf(int status, const std::string& message) {
  return {.status = status,
          .headers = {{"Content-Type", "application/json"},
                      {"WWW-Authenticate", "Bearer realm=\"https://evil\""}},
          .body = R"({"errors":[{"code":"DENIED","message":")" + message + "\"}]}"};
}

class ARefusalOfTheRegistry : public ::testing::TestWithParam<int> {};

TEST_P(ARefusalOfTheRegistry, IsToldInItsOwnWordsWithAHint) {
  DataplaneWorld world([](const HttpRequest&) { return RefusalOf(GetParam(), "quota exceeded"); });

  const RawResponse response = world.Do("GET", kRefusedManifest);

  EXPECT_EQ(response.status, 403);
  EXPECT_THAT(response.body,
              AllOf(HasSubstr("DENIED: quota exceeded."),
                    HasSubstr("may not exist"),
                    HasSubstr("CONNECTOR_REGISTRY_REFUSED"),
                    Not(HasSubstr("credential"))));
  EXPECT_EQ(response.Header("www-authenticate"), "");
  EXPECT_THAT(world.log(), HasSubstr("DENIED: quota exceeded"));
}

TEST_P(ARefusalOfTheRegistry, ThatRepeatsTheCredentialIsToldInOurs) {
  DataplaneWorld world(
      [](const HttpRequest&) { return RefusalOf(GetParam(), std::string(kUpstreamToken)); });

  const RawResponse response = world.Do("GET", kRefusedManifest);

  EXPECT_EQ(response.status, 403);
  EXPECT_THAT(response.body, AllOf(HasSubstr("may not exist"), Not(HasSubstr(kUpstreamToken))));
  EXPECT_THAT(world.log(), Not(HasSubstr(kUpstreamToken)));
}

INSTANTIATE_TEST_SUITE_P(Statuses, ARefusalOfTheRegistry, ::testing::Values(401, 403));

class ARegistryThatRefusesHead : public ::testing::TestWithParam<int> {
 protected:
  static HttpServer::Handler Registry() {
    return [](const HttpRequest& request) {
      if (request.method == "HEAD") {
        return HttpAnswer{.status = GetParam()};
      }
      return HttpAnswer{
          .status = 206, .headers = {{"Content-Range", "bytes 0-0/1234"}}, .body = "x"};
    };
  }
};

TEST_P(ARegistryThatRefusesHead, IsAskedForOneByteOfABlob) {
  DataplaneWorld world(Registry());

  const RawResponse response = world.Do("HEAD", kRefusedBlob);

  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.Header("content-length"), "1234");
  const auto requests = world.registry().requests();
  ASSERT_THAT(requests, SizeIs(2));
  EXPECT_EQ(requests[1].Header("range"), "bytes=0-0");
}

INSTANTIATE_TEST_SUITE_P(Statuses, ARegistryThatRefusesHead, ::testing::Values(401, 403, 405, 501));

TEST(ARegistryThatRefusesHeadAndGet, IsAskedOnceMoreWithANewTokenAndNoMore) {
  DataplaneWorld world([](const HttpRequest&) { return HttpAnswer{.status = 401}; });

  EXPECT_EQ(world.Do("HEAD", kRefusedBlob).status, 403);
  EXPECT_THAT(world.registry().requests(), SizeIs(4));
}

TEST(ARegistryThatHasNoSuchBlob, IsNotAskedByGet) {
  DataplaneWorld world([](const HttpRequest&) { return HttpAnswer{.status = 404}; });

  EXPECT_EQ(world.Do("HEAD", kRefusedBlob).status, 404);
  EXPECT_THAT(world.registry().requests(), SizeIs(1));
}

TEST(A405ToTheHeadOfAManifest, IsPassedOn) {
  DataplaneWorld world([](const HttpRequest&) { return HttpAnswer{.status = 405}; });

  EXPECT_EQ(world.Do("HEAD", kRefusedManifest).status, 405);
  EXPECT_THAT(world.registry().requests(), SizeIs(1));
}

// A registry that redirects blobs to a store on a host that the connector lists.
class ABlobStore : public ::testing::Test {
 protected:
  void Start(HttpServer::Handler store, std::function<std::string()> location = {}) {
    store_ = std::make_unique<HttpServer>(std::move(store));
    if (!location) {
      location = [this] { return store_->address() + "/blob?s1gn"; };
    }
    world_ = std::make_unique<DataplaneWorld>(
        [location](const HttpRequest&) {
          return HttpAnswer{.status = 307, .headers = {{"Location", location()}}};
        },
        testing_support::WorldOptions{
            .adjust = [](routes::Route& route) { route.redirects.hosts = {"127.0.0.1"}; }});
  }
  RawResponse Get() { return world_->Do("GET", kRefusedBlob); }

  std::unique_ptr<HttpServer> store_;
  std::unique_ptr<DataplaneWorld> world_;
};

TEST_F(ABlobStore, ThatAsksToWaitKeepsItsStatusAndItsTime) {
  for (const int status : {429, 503}) {
    Start([status](const HttpRequest&) {
      return HttpAnswer{.status = status, .headers = {{"Retry-After", "7"}}, .body = "<Error/>"};
    });

    const RawResponse response = Get();

    EXPECT_EQ(response.status, status);
    EXPECT_EQ(response.Header("retry-after"), "7");
    EXPECT_THAT(response.body, Not(HasSubstr("<Error/>")));
    EXPECT_THAT(store_->requests(), SizeIs(1));
  }
}

TEST_F(ABlobStore, ThatFailsOnceIsAskedOnceMoreThroughTheRegistry) {
  std::atomic<int> count{0};
  Start([&](const HttpRequest&) {
    return ++count == 1 ? HttpAnswer{.status = 500} : HttpAnswer{.status = 200, .body = "blob"};
  });

  EXPECT_EQ(Get().body, "blob");
  EXPECT_THAT(world_->registry().requests(), SizeIs(2));
}

TEST_F(ABlobStore, ThatFailsAgainIsA502) {
  Start([](const HttpRequest&) { return HttpAnswer{.status = 500}; });

  EXPECT_EQ(Get().status, 502);
  EXPECT_THAT(store_->requests(), SizeIs(2));
}

TEST_F(ABlobStore, ThatCannotBeReachedIsAskedWhereTheRegistryLeadsThen) {
  std::atomic<int> count{0};
  Start([](const HttpRequest&) { return HttpAnswer{.status = 200, .body = "blob"}; },
        [&] { return ++count == 1 ? "http://127.0.0.1:1/blob" : store_->address() + "/blob"; });

  EXPECT_EQ(Get().body, "blob");
}

}  // namespace
}  // namespace connector::dataplane
