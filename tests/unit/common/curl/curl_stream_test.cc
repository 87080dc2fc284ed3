#include "common/async/cancel.h"
#include "common/curl/curl_client.h"
#include "tests/support/cpp/http_server.h"
#include "tests/support/cpp/result_matchers.h"
#include "tests/support/cpp/run_task.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

namespace connector::curl {
namespace {

using ::testing::HasSubstr;
using testing_support::HasError;
using testing_support::HasErrorMessage;
using testing_support::HasValue;
using testing_support::HttpAnswer;
using testing_support::HttpRequest;
using testing_support::HttpServer;
using testing_support::RunTask;

Deadline StreamDeadline() {
  return std::chrono::steady_clock::now() + std::chrono::seconds(20);
}

HttpServer Answering(HttpAnswer answer) {
  return HttpServer([answer = std::move(answer)](const HttpRequest&) { return answer; });
}

CurlRequest To(const HttpServer& server) {
  CurlRequest request;
  request.url = *http::ParseUrl(server.address() + "/");
  return request;
}

// Reads to the end: the body, or the error that it ended with.
Task<Result<std::string>> ReadAll(CurlClient* client,
                                  CurlRequest request,
                                  std::shared_ptr<Cancel> cancel = nullptr) {
  auto stream = co_await client->Open(std::move(request), StreamDeadline(), cancel);
  if (!stream) {
    co_return std::move(stream).error();
  }
  std::string all = std::to_string((*stream)->status()) + ":";
  while (true) {
    auto piece = co_await (*stream)->Read(StreamDeadline());
    if (!piece) {
      co_return std::move(piece).error();
    }
    if (*piece == nullptr) {
      co_return all;
    }
    all += (*piece)->view();
  }
}

TEST(CurlStream, ReadsStatusAndBody) {
  const HttpServer server = Answering({.status = 404, .body = std::string(50'000, 'x')});
  CurlClient client;

  EXPECT_THAT(RunTask(ReadAll(&client, To(server))), HasValue("404:" + std::string(50'000, 'x')));
}

TEST(CurlStream, SaysThatItWasCutAfterWhatCame) {
  const HttpServer server = Answering({.body = "half", .cut = true});
  CurlClient client;

  EXPECT_THAT(RunTask(ReadAll(&client, To(server))),
              HasErrorMessage(ErrorCode::kUnavailable, HasSubstr("cut the connection off")));
}

TEST(CurlStream, EndsWhenTheReaderIsTooFarBehind) {
  const HttpServer server = Answering({.body = std::string(100'000, 'x')});
  CurlClient client;
  CurlRequest request = To(server);
  request.max_response_bytes = 1000;

  EXPECT_THAT(RunTask(ReadAll(&client, std::move(request))),
              HasError(ErrorCode::kResourceExhausted));
}

TEST(CurlStream, GivesUpWhenNoHeadComes) {
  const HttpServer server = Answering({.silent = true});
  CurlClient client;
  CurlRequest request = To(server);
  request.head_timeout = std::chrono::milliseconds(50);

  EXPECT_THAT(RunTask(ReadAll(&client, std::move(request))),
              HasError(ErrorCode::kDeadlineExceeded));
}

TEST(CurlStream, EndsWhenItIsCancelled) {
  const HttpServer server = Answering({.silent = true});
  CurlClient client;
  const auto cancel = std::make_shared<Cancel>();
  cancel->Request();

  EXPECT_THAT(RunTask(ReadAll(&client, To(server), cancel)),
              HasErrorMessage(ErrorCode::kUnavailable, HasSubstr("no longer wanted")));
}

TEST(CurlStream, EndsWithItsClient) {
  const HttpServer server = Answering({.silent = true});
  CurlClient client;
  client.Shutdown();

  EXPECT_THAT(RunTask(ReadAll(&client, To(server))), HasError(ErrorCode::kUnavailable));
}

}  // namespace
}  // namespace connector::curl
