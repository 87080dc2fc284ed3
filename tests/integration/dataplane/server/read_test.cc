// Reads with conditions, in part, or of the head alone.

#include "tests/support/cpp/dataplane_world.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace connector::dataplane {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;
using testing_support::DataplaneWorld;
using testing_support::HttpAnswer;
using testing_support::HttpRequest;
using testing_support::HttpServer;
using testing_support::kRepositoryPath;
using testing_support::RawClient;
using testing_support::RawResponse;

const std::string kReadDigest = "sha256:" + std::string(64, 'a');
const std::string kPath = kRepositoryPath.data();
const std::string kReadManifest = kPath + "/manifests/v1";
const std::string kReadBlob = kPath + "/blobs/" + kReadDigest;

void ListLoopback(routes::Route& route) {
  route.redirects.hosts = {"127.0.0.1"};
}

HttpServer::Handler RedirectTo(const HttpServer& store) {
  return [&store](const HttpRequest&) {
    return HttpAnswer{.status = 307, .headers = {{"Location", store.address() + "/blob"}}};
  };
}

TEST(ARange, OfSeveralIsAnsweredWhole) {
  DataplaneWorld world([](const HttpRequest& request) {
    return HttpAnswer{.status = request.Header("range").empty() ? 200 : 206, .body = "whole"};
  });

  const RawResponse response = world.Do("GET", kReadBlob, "Range: bytes=0-0,2-3,1-1\r\n");

  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "whole");
}

TEST(ARange, GoesAlongWithARedirectAndItsCondition) {
  HttpServer store([](const HttpRequest& request) {
    const bool right =
        request.Header("range") == "bytes=2-4" && request.Header("if-range") == "\"etag\"";
    return HttpAnswer{.status = right ? 206 : 200,
                      .headers = {{"Content-Range", "bytes 2-4/10"}, {"ETag", "\"etag\""}},
                      .body = "llo"};
  });
  DataplaneWorld world(RedirectTo(store), {.adjust = ListLoopback});

  const RawResponse response =
      world.Do("GET", kReadBlob, "Range: bytes=2-4\r\nIf-Range: \"etag\"\r\n");

  EXPECT_EQ(response.status, 206);
  EXPECT_EQ(response.Header("content-range"), "bytes 2-4/10");
  EXPECT_EQ(response.Header("etag"), "\"etag\"");
  EXPECT_EQ(response.body, "llo");
}

TEST(ARange, BeyondTheBlobIs416WithItsSize) {
  DataplaneWorld world([](const HttpRequest&) {
    return HttpAnswer{.status = 416, .headers = {{"Content-Range", "bytes */10"}}};
  });

  const RawResponse response = world.Do("GET", kReadBlob, "Range: bytes=99-\r\n");

  EXPECT_EQ(response.status, 416);
  EXPECT_EQ(response.Header("content-range"), "bytes */10");
}

TEST(ACondition, ThatHoldsIs304WithoutABodyAndKeepsTheConnectionInStep) {
  for (const bool told : {true, false}) {
    DataplaneWorld world([&](const HttpRequest& request) {
      if (request.Header("if-none-match") != "\"e\"") {
        return HttpAnswer{.status = 200, .body = "whole"};
      }
      // Some tell the length of what they do not send, and the connection goes on after it.
      return HttpAnswer{.raw = std::string("HTTP/1.1 304 Not Modified\r\nETag: \"e\"\r\n") +
                               (told ? "Content-Length: 1234\r\n\r\n" : "\r\n")};
    });
    RawClient client(world.port());

    for (const std::string method : {"GET", "HEAD"}) {
      client.Send(DataplaneWorld::Request(method, kReadManifest, "If-None-Match: \"e\"\r\n"));
      const RawResponse response = client.Read(method == "HEAD");
      EXPECT_EQ(response.status, 304);
      EXPECT_EQ(response.Header("etag"), "\"e\"");
      EXPECT_EQ(response.Header("transfer-encoding"), "");
    }
    client.Send(DataplaneWorld::Request("GET", kReadManifest));
    EXPECT_EQ(client.Read().body, "whole");
  }
}

TEST(ACondition, ThatAStoreFindsBrokenIs412) {
  HttpServer store([](const HttpRequest& request) {
    return HttpAnswer{.status = request.Header("if-match") == "\"old\"" ? 412 : 200};
  });
  DataplaneWorld world(RedirectTo(store), {.adjust = ListLoopback});

  EXPECT_EQ(world.Do("GET", kReadBlob, "If-Match: \"old\"\r\n").status, 412);
}

struct Answered {
  std::string name;
  HttpAnswer store;
  int status;
  std::string length;

  friend void PrintTo(const Answered& row, std::ostream* os) { *os << row.name; }
};

class AHeadOfARedirectedBlob : public ::testing::TestWithParam<Answered> {};

TEST_P(AHeadOfARedirectedBlob, TellsWhatAGetWouldFind) {
  HttpServer store([](const HttpRequest& request) {
    return request.method == "GET" && request.Header("range") == "bytes=0-0"
               ? GetParam().store
               : HttpAnswer{.status = 403};
  });
  DataplaneWorld world(RedirectTo(store), {.adjust = ListLoopback});
  RawClient client(world.port());

  client.Send(DataplaneWorld::Request("HEAD", kReadBlob, "If-None-Match: \"e\"\r\n"));
  const RawResponse response = client.Read(true);
  client.Send(DataplaneWorld::Request("GET", "/v2/"));

  EXPECT_EQ(response.status, GetParam().status);
  EXPECT_EQ(response.Header("content-length"), GetParam().length);
  EXPECT_EQ(response.Header("content-range"), "");
  EXPECT_EQ(response.Header("docker-content-digest"), GetParam().status == 200 ? kReadDigest : "")
      << "the store does not know it";
  EXPECT_EQ(client.Read().body, "{}") << "the connection stays in step";
}

HttpAnswer Part(const std::string& range, int status = 206) {
  return {.status = status, .headers = {{"Content-Range", range}}, .body = "x"};
}

INSTANTIATE_TEST_SUITE_P(
    Where,
    AHeadOfARedirectedBlob,
    ::testing::Values(Answered{"TheStoreSendsAPart", Part("bytes 0-0/12345"), 200, "12345"},
                      Answered{"TheStoreSendsAll",
                               {.status = 200, .body = std::string(70'000, 'b')},
                               200,
                               "70000"},
                      Answered{"TheBlobIsEmpty", Part("bytes */0", 416), 200, "0"},
                      Answered{"TheStoreHasItNot", {.status = 404, .body = "<Error/>"}, 404, "8"}),
    [](const auto& row) { return row.param.name; });

TEST(AHeadOfARedirectedBlob, ThatTheConditionHoldsForIs304) {
  HttpServer store([](const HttpRequest&) {
    return HttpAnswer{.raw = "HTTP/1.1 304 Not Modified\r\nETag: \"e\"\r\n\r\n"};
  });
  DataplaneWorld world(RedirectTo(store), {.adjust = ListLoopback});

  EXPECT_EQ(world.Do("HEAD", kReadBlob, "If-None-Match: \"e\"\r\n").status, 304);
}

TEST(AHeadOfARedirectedBlob, WhoseSizeTheStoreDoesNotTellIsA502) {
  HttpServer store([](const HttpRequest&) { return Part("bytes 0-0/*"); });
  DataplaneWorld world(RedirectTo(store), {.adjust = ListLoopback});

  EXPECT_EQ(world.Do("HEAD", kReadBlob).status, 502);
}

struct Listed {
  std::string name;
  std::string target;
  bool renamed;

  friend void PrintTo(const Listed& row, std::ostream* os) { *os << row.name; }
};

class AHeadOfEverything : public ::testing::TestWithParam<Listed> {};

TEST_P(AHeadOfEverything, TellsTheLengthThatAGetSends) {
  DataplaneWorld world([](const HttpRequest& request) {
    // As distribution does: it knows no HEAD of a list.
    return request.method == "HEAD" && request.target.find("list") != std::string::npos
               ? HttpAnswer{.status = 405}
               : HttpAnswer{.status = 200, .body = R"({"name":"team/app","tags":["v1"]})"};
  });
  RawClient client(world.port());
  const auto ask = [&](const std::string& method) {
    client.Send(method + " " + GetParam().target +
                " HTTP/1.1\r\nHost: c-harbor.default.svc\r\n"
                "Authorization: Bearer caller-token\r\n\r\n");
    return client.Read(method == "HEAD");
  };

  const RawResponse head = ask("HEAD");
  const RawResponse get = ask("GET");

  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.Header("content-length"), std::to_string(get.body.size()));
  EXPECT_EQ(get.body.size() == 33, !GetParam().renamed) << get.body;
}

INSTANTIATE_TEST_SUITE_P(
    Of,
    AHeadOfEverything,
    ::testing::Values(Listed{"AManifest", kReadManifest, false},
                      Listed{"ABlob", kReadBlob, false},
                      Listed{"TagsInHostForm", "/v2/team/app/tags/list", false},
                      Listed{"TagsInPathForm", kPath + "/tags/list", true},
                      Listed{"Referrers", kPath + "/referrers/" + kReadDigest, false}),
    [](const auto& row) { return row.param.name; });

TEST(AnEmptyBlob, IsReadWhole) {
  DataplaneWorld world([](const HttpRequest&) { return HttpAnswer{.status = 200}; });

  const RawResponse get = world.Do("GET", kReadBlob);
  const RawResponse head = world.Do("HEAD", kReadBlob);

  EXPECT_EQ(get.Header("content-length"), "0");
  EXPECT_THAT(get.body, IsEmpty());
  EXPECT_TRUE(get.complete);
  EXPECT_EQ(head.Header("content-length"), "0");
  EXPECT_THAT(world.registry().requests(), SizeIs(2));
}

}  // namespace
}  // namespace connector::dataplane
