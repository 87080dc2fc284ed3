#include "common/admin/responses.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/counter.h>
#include <prometheus/registry.h>

#include <memory>
#include <stdexcept>
#include <string>

namespace connector::admin {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

AdminOptions ResponsesOptions() {
  return {.address = "",
          .readiness = [] { return Readiness{}; },
          .collectables = {},
          .status_json = [] { return std::string("{}"); },
          .title = "connector-test"};
}

Response Get(const AdminOptions& options, std::string target) {
  return AdminResponder(options).Answer({.method = "GET", .target = std::move(target)});
}

TEST(AdminResponder, IsAliveEvenWhenNotReady) {
  AdminOptions options = ResponsesOptions();
  options.readiness = [] { return Readiness{{"no routes yet"}, {}}; };

  EXPECT_EQ(Get(options, "/livez").status, 200);
  EXPECT_EQ(Get(options, "/livez").body, "ok\n");
}

TEST(AdminResponder, IsReadyWhenThereIsNoReasonNotToBe) {
  EXPECT_EQ(Get(ResponsesOptions(), "/readyz").status, 200);
  EXPECT_EQ(Get(ResponsesOptions(), "/readyz").body, "ready\n");
}

TEST(AdminResponder, SaysEveryReasonWhyNotReadyInALineOfItsOwn) {
  AdminOptions options = ResponsesOptions();
  options.readiness = [] { return Readiness{{"no routes yet", "draining"}, {}}; };

  EXPECT_EQ(Get(options, "/readyz").status, 503);
  EXPECT_EQ(Get(options, "/readyz").body, "no routes yet\ndraining\n");
}

TEST(AdminResponder, IsReadyThoughSomethingIsDegraded) {
  AdminOptions options = ResponsesOptions();
  options.readiness = [] { return Readiness{{}, {"Vault is sealed"}}; };

  EXPECT_EQ(Get(options, "/readyz").status, 200);
  EXPECT_EQ(Get(options, "/readyz").body, "ready\ndegraded: Vault is sealed\n");
}

TEST(AdminResponder, ShowsTheMetricsOfEveryCollectableThatStillLives) {
  const auto first = std::make_shared<prometheus::Registry>();
  const auto second = std::make_shared<prometheus::Registry>();
  auto dead = std::make_shared<prometheus::Registry>();
  prometheus::BuildCounter().Name("first_total").Register(*first).Add({{"k", "v"}}).Increment(2);
  prometheus::BuildCounter().Name("second_total").Register(*second).Add({}).Increment();
  AdminOptions options = ResponsesOptions();
  options.collectables = {first, dead, second};
  dead.reset();

  const Response response = Get(options, "/metrics");

  EXPECT_EQ(response.content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_THAT(response.body,
              AllOf(HasSubstr("first_total{k=\"v\"} 2\n"), HasSubstr("second_total 1\n")));
}

TEST(AdminResponder, ShowsThePageWithItsSecurityPolicy) {
  const Response response = Get(ResponsesOptions(), "/");

  EXPECT_EQ(response.content_type, "text/html; charset=utf-8");
  EXPECT_THAT(response.body, HasSubstr("<title>connector-test</title>"));
  EXPECT_THAT(response.Serialize(false),
              AllOf(HasSubstr("\r\nContent-Security-Policy: default-src 'none'; "),
                    HasSubstr("\r\nX-Frame-Options: DENY\r\n")));
}

TEST(AdminResponder, ShowsTheStatusAsJson) {
  const Response response = Get(ResponsesOptions(), "/status.json");

  EXPECT_EQ(response.content_type, "application/json");
  EXPECT_EQ(response.body, "{}");
}

TEST(AdminResponder, IgnoresTheQuery) {
  EXPECT_EQ(Get(ResponsesOptions(), "/livez?verbose=1").status, 200);
}

TEST(AdminResponder, KnowsNoOtherPath) {
  for (const char* target : {"/metrics/", "/../livez", "/LIVEZ", "", "http://a/livez", "/debug"}) {
    EXPECT_EQ(Get(ResponsesOptions(), target).status, 404) << target;
  }
}

TEST(AdminResponder, RefusesEveryMethodButGetAndHead) {
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "TRACE", "get", ""}) {
    const Response response =
        AdminResponder(ResponsesOptions()).Answer({.method = method, .target = "/livez"});
    EXPECT_EQ(response.status, 405) << method;
    EXPECT_THAT(response.Serialize(false), HasSubstr("\r\nAllow: GET, HEAD\r\n"));
  }
  EXPECT_EQ(
      AdminResponder(ResponsesOptions()).Answer({.method = "HEAD", .target = "/livez"}).status,
      200);
}

TEST(AdminResponder, HidesWhatAFunctionThrew) {
  AdminOptions options = ResponsesOptions();
  options.status_json = []() -> std::string { throw std::runtime_error("password"); };

  EXPECT_EQ(Get(options, "/status.json").status, 500);
  EXPECT_THAT(Get(options, "/status.json").body, IsEmpty());
}

TEST(Response, MayNotBeKeptSniffedOrReadByAnotherSite) {
  EXPECT_THAT(PlainResponse(200, "ok\n").Serialize(false),
              AllOf(StartsWith("HTTP/1.1 200 OK\r\n"),
                    HasSubstr("\r\nContent-Type: text/plain; charset=utf-8\r\n"),
                    HasSubstr("\r\nContent-Length: 3\r\n"),
                    HasSubstr("\r\nCache-Control: no-store\r\n"),
                    HasSubstr("\r\nX-Content-Type-Options: nosniff\r\n"),
                    HasSubstr("\r\nReferrer-Policy: no-referrer\r\n"),
                    HasSubstr("\r\nCross-Origin-Resource-Policy: same-origin\r\n"),
                    HasSubstr("\r\nConnection: close\r\n"),
                    EndsWith("\r\n\r\nok\n")));
}

TEST(Response, OfAHeadHasTheLengthAndNotTheBody) {
  EXPECT_THAT(
      PlainResponse(200, "ok\n").Serialize(true),
      AllOf(HasSubstr("\r\nContent-Length: 3\r\n"), EndsWith("\r\n\r\n"), Not(HasSubstr("ok\n"))));
}

}  // namespace
}  // namespace connector::admin
