#include "common/kube/api_client.h"
#include "tests/integration/common/kube/followed.h"
#include "tests/integration/common/kube/kube_world.h"
#include "tests/support/cpp/http_server.h"
#include "tests/support/cpp/result_matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

// What a real API server does too rarely to wait for: a scripted one answers instead, over TLS and
// HTTP/1.1, as one behind an old load balancer would.
namespace connector::kube {
namespace {

using std::chrono::steady_clock;
using ::testing::AllOf;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::Lt;
using ::testing::SizeIs;
using testing_support::HasError;
using testing_support::HasErrorMessage;
using testing_support::HttpAnswer;
using testing_support::HttpRequest;
using testing_support::HttpServer;
using testing_support::RunTask;
using testing_support::TestCa;
using testing_support::TlsSetup;

constexpr char kObject[] = R"({"metadata":{"name":"n","namespace":"a","resourceVersion":"1"}})";

class Overload : public ::testing::Test {
 protected:
  explicit Overload()
      : server_([this](const HttpRequest& request) { return Answer(request); },
                TlsSetup{ca_.Issue()}) {}

  HttpAnswer Answer(const HttpRequest& request) { return script_(++asked_, request); }
  std::unique_ptr<ApiClient> NewClient() {
    ClusterConnection settings;
    settings.server = {true, "localhost", server_.port()};
    settings.ca_pem = ca_.pem();
    settings.token = Secret("token-of-the-test");
    ApiClientParts parts = KubeWorld::Parts();
    parts.observe = [this](const ApiRequestReport& exchange) {
      statuses_.push_back(exchange.status);
    };
    return std::make_unique<ApiClient>(std::move(settings), std::move(parts));
  }
  static Result<ObjectPtr> Get(ApiClient& client, Deadline deadline = SoonEnough()) {
    return RunTask(client.Get(kSecrets, {"a", "n"}, deadline));
  }

  const TestCa ca_;
  std::function<HttpAnswer(int, const HttpRequest&)> script_;
  std::atomic<int> asked_{0};
  std::vector<int> statuses_;
  HttpServer server_;
};

TEST_F(Overload, IsWaitedForAsRetryAfterSays) {
  script_ = [](int number, const HttpRequest&) {
    return number == 1 ? HttpAnswer{.status = 429, .headers = {{"Retry-After", "1"}}}
                       : HttpAnswer{.body = kObject};
  };
  const auto client = NewClient();
  const auto started = steady_clock::now();

  EXPECT_TRUE(Get(*client));

  EXPECT_THAT(steady_clock::now() - started, Ge(std::chrono::seconds(1)));
  EXPECT_THAT(statuses_, ::testing::ElementsAre(429, 200));
}

TEST_F(Overload, HoldsBackTheOthersToo) {
  script_ = [](int number, const HttpRequest&) {
    return number == 1 ? HttpAnswer{.status = 503, .headers = {{"Retry-After", "30"}}}
                       : HttpAnswer{.body = kObject};
  };
  const auto client = NewClient();

  EXPECT_THAT(Get(*client, steady_clock::now() + std::chrono::seconds(5)),
              HasError(ErrorCode::kUnavailable));
  const auto second = Get(*client, steady_clock::now() + std::chrono::seconds(5));

  EXPECT_THAT(second, HasErrorMessage(ErrorCode::kUnavailable, HasSubstr("asks to wait")));
  EXPECT_THAT(second.error().retry_after,
              AllOf(Ge(std::chrono::seconds(25)), Lt(std::chrono::seconds(31))));
  EXPECT_THAT(server_.requests(), SizeIs(1));
}

TEST_F(Overload, IsNotMadeWorseByWritesThatMayHaveHadAnEffect) {
  script_ = [](int, const HttpRequest&) { return HttpAnswer{.status = 500, .body = "{}"}; };
  const auto client = NewClient();

  EXPECT_THAT(RunTask(client->Create(kSecrets, "a", {{"metadata", {{"name", "n"}}}}, SoonEnough())),
              HasError(ErrorCode::kUnavailable));
  EXPECT_THAT(server_.requests(), SizeIs(1));
}

TEST_F(Overload, OfTimeEndsAtTheDeadline) {
  script_ = [](int, const HttpRequest&) { return HttpAnswer{.silent = true}; };
  const auto client = NewClient();

  EXPECT_THAT(Get(*client, steady_clock::now() + std::chrono::milliseconds(200)),
              HasErrorMessage(ErrorCode::kDeadlineExceeded, HasSubstr("get secrets a/n: ")));
}

TEST_F(Overload, DoesNotHoldUpWhatComesAfterAStuckConnection) {
  script_ = [](int number, const HttpRequest&) {
    return number == 1 ? HttpAnswer{.silent = true} : HttpAnswer{.body = kObject};
  };
  const auto client = NewClient();
  EXPECT_THAT(Get(*client, steady_clock::now() + std::chrono::milliseconds(200)),
              HasError(ErrorCode::kDeadlineExceeded));

  EXPECT_TRUE(Get(*client));
}

TEST_F(Overload, StartsAListAnewWhenItsNextPageIsGone) {
  script_ = [](int number, const HttpRequest& request) {
    const bool next = request.target.find("continue=") != std::string::npos;
    if (next && number == 2) {
      return HttpAnswer{.status = 410, .body = R"({"kind":"Status","code":410})"};
    }
    return HttpAnswer{.body = next ? R"({"metadata":{"resourceVersion":"9"},"items":[]})"
                                   : R"({"metadata":{"resourceVersion":"9","continue":"c"},"items":[
                                        {"metadata":{"name":"n","resourceVersion":"1"}}]})"};
  };
  const auto client = NewClient();

  const auto listing = RunTask(client->List(kSecrets, {"a", "", ""}, SoonEnough()));

  ASSERT_TRUE(listing) << listing.error().message;
  EXPECT_THAT(listing->items, SizeIs(1));
  EXPECT_EQ(asked_, 4);
}

TEST_F(Overload, RefusesWhatIsNotTheApisAnswer) {
  script_ = [](int, const HttpRequest&) { return HttpAnswer{.body = "<html>login</html>"}; };
  const auto client = NewClient();

  EXPECT_THAT(Get(*client),
              HasErrorMessage(ErrorCode::kUnavailable, HasSubstr("not the API's answer")));
}

TEST_F(Overload, ReadsTheEventsThatCameBeforeTheirCut) {
  script_ = [](int, const HttpRequest&) {
    return HttpAnswer{
        .body = R"({"type":"ADDED","object":{"metadata":{"name":"n","resourceVersion":"5"}}})"
                "\n{\"type\":\"MODI",
        .cut = true};
  };
  const auto client = NewClient();
  std::string last;
  std::function<void(WatchEvent)> on_event = [&](WatchEvent event) {
    last = event.resource_version;
  };

  const auto end =
      RunTask(client->Watch(kSecrets, {}, "1", on_event, std::chrono::seconds(20), SoonEnough()));

  ASSERT_TRUE(end) << end.error().message;
  EXPECT_EQ(*end, WatchEnd::kClosed);
  EXPECT_EQ(last, "5");
}

TEST_F(Overload, AsksForBookmarksAndTakesTheirVersion) {
  script_ = [](int, const HttpRequest&) {
    return HttpAnswer{
        .body = "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"77\"}}}\n"};
  };
  const auto client = NewClient();
  std::string last;
  std::function<void(WatchEvent)> on_event = [&](WatchEvent event) {
    last = event.resource_version;
  };

  EXPECT_TRUE(
      RunTask(client->Watch(kSecrets, {}, "1", on_event, std::chrono::seconds(20), SoonEnough())));

  EXPECT_EQ(last, "77");
  EXPECT_THAT(server_.requests().at(0).target, HasSubstr("allowWatchBookmarks=true"));
}

// As after a restore of etcd: the version that we know lies ahead of the server's.
TEST_F(Overload, IsNotWhyAnInformerListsAgainAfterASilentWatch) {
  script_ = [](int, const HttpRequest& request) {
    if (request.target.find("watch=true") != std::string::npos) {
      return HttpAnswer{.raw = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                        .keep = true};
    }
    return HttpAnswer{.body = R"({"metadata":{"resourceVersion":"9"},"items":[]})"};
  };
  const auto client = NewClient();
  Followed followed(*client, {.type = kSecrets, .idle = std::chrono::milliseconds(100)});

  EXPECT_TRUE(followed.Eventually([this] { return asked_ >= 4; }));
  followed.Stop();
  EXPECT_THAT(server_.requests().at(2).target, ::testing::Not(HasSubstr("watch=true")));
}

TEST_F(Overload, IsSparedByGoingOnFromABookmark) {
  script_ = [](int number, const HttpRequest&) {
    if (number == 1) {
      return HttpAnswer{.body = R"({"metadata":{"resourceVersion":"9"},"items":[]})"};
    }
    return HttpAnswer{
        .body = "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"77\"}}}\n"};
  };
  const auto client = NewClient();
  Followed followed(*client, {.type = kSecrets});

  EXPECT_TRUE(followed.Eventually([this] { return asked_ >= 3; }));
  followed.Stop();
  EXPECT_THAT(server_.requests().at(1).target, HasSubstr("resourceVersion=9"));
  EXPECT_THAT(server_.requests().at(2).target, HasSubstr("resourceVersion=77"));
}

TEST_F(Overload, StopsAnInformerThatCannotList) {
  script_ = [](int, const HttpRequest&) { return HttpAnswer{.silent = true}; };
  const auto client = NewClient();
  Followed followed(*client, {.type = kSecrets});
  EXPECT_TRUE(followed.Eventually([this] { return asked_ >= 1; }));

  EXPECT_TRUE(followed.Stop());
}

}  // namespace
}  // namespace connector::kube
