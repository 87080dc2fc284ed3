#include "common/base/encoding.h"
#include "tests/support/cpp/dataplane_world.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
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
using testing_support::kRepositoryPath;
using testing_support::kUpstreamToken;
using testing_support::MakeGrant;
using testing_support::RawClient;
using testing_support::RawResponse;
using testing_support::TestCa;

const std::string kFailureManifest = std::string(kRepositoryPath) + "/manifests/v1";

HttpAnswer Ok(const HttpRequest&) {
  return {.status = 200, .body = "ok"};
}

TEST(AnUpstream401, IsRepeatedOnceWithANewToken) {
  DataplaneWorld world([](const HttpRequest& request) {
    return HttpAnswer{
        .status = request.Header("authorization") == "Bearer new-token-123" ? 200 : 401,
        .body = "x"};
  });
  world.issuer().SetAnswer([](const token::GrantRequest& grant_request) -> token::GrantResult {
    return MakeGrant({"default", "harbor"},
                     grant_request.mint_anew ? "new-token-123" : kUpstreamToken,
                     "epoch-1");
  });

  EXPECT_EQ(world.Do("GET", kFailureManifest).status, 200);

  ASSERT_THAT(world.issuer().asks(), SizeIs(2));
  EXPECT_FALSE(world.issuer().asks()[0].mint_anew);
  EXPECT_TRUE(world.issuer().asks()[1].mint_anew);
}

TEST(AnUpstream401, ThatComesTwiceIsFinalAndNeverRelayed) {
  DataplaneWorld world([](const HttpRequest&) {
    return HttpAnswer{.status = 401,
                      .headers = {{"WWW-Authenticate", "Bearer realm=\"https://evil\""}},
                      .body = "{}"};
  });

  const RawResponse response = world.Do("GET", kFailureManifest);

  EXPECT_EQ(response.status, 403);
  EXPECT_THAT(response.body, HasSubstr("DENIED"));
  EXPECT_EQ(response.Header("www-authenticate"), "");
  EXPECT_THAT(world.registry().requests(), SizeIs(2));
}

TEST(ADenial, NamesWhatIsMissingAndReachesNoRegistry) {
  DataplaneWorld world(Ok);
  world.issuer().SetAnswer([](const token::GrantRequest&) -> token::GrantResult {
    return token::GrantDenial{token::DenialReason::kAccessDenied,
                              "default/harbor: no rule lets you pull team/app",
                              {},
                              "s"};
  });

  const RawResponse response = world.Do("GET", kFailureManifest);

  EXPECT_EQ(response.status, 403);
  EXPECT_THAT(response.body,
              AllOf(HasSubstr("\"DENIED\""), HasSubstr("no rule lets you pull team/app")));
  EXPECT_THAT(world.registry().requests(), SizeIs(0));
}

TEST(ABrokerThatIsAway, IsARetryable503ForNewWork) {
  DataplaneWorld world(Ok);
  world.issuer().SetAnswer(
      [](const token::GrantRequest&) -> token::GrantResult { return token::GrantDenial{}; });

  const RawResponse response = world.Do("GET", kFailureManifest);

  EXPECT_EQ(response.status, 503);
  EXPECT_NE(response.Header("retry-after"), "");
}

TEST(ABrokerThatIsAway, DoesNotStopWorkWhoseGrantIsValid) {
  DataplaneWorld world(Ok);
  EXPECT_EQ(world.Do("GET", kFailureManifest).status, 200);
  world.issuer().SetAnswer(
      [](const token::GrantRequest&) -> token::GrantResult { return token::GrantDenial{}; });

  EXPECT_EQ(world.Do("GET", kFailureManifest).status, 200);
}

TEST(AChangedEpoch, EndsEveryCachedGrantOfTheConnector) {
  DataplaneWorld world(Ok);
  EXPECT_EQ(world.Do("GET", kFailureManifest).status, 200);
  world.issuer().SetAnswer([](const token::GrantRequest&) -> token::GrantResult {
    return token::GrantDenial{token::DenialReason::kAccessDenied, "no more", {}, "s"};
  });

  world.PublishRoute("epoch-2");

  EXPECT_EQ(world.Do("GET", kFailureManifest).status, 403);
}

TEST(AnErrorBody, IsPassedOnWhenItHoldsNoCredential) {
  DataplaneWorld world([](const HttpRequest&) {
    return HttpAnswer{.status = 404,
                      .headers = {{"Content-Type", "application/json"}},
                      .body = R"({"errors":[{"code":"MANIFEST_UNKNOWN"}]})"};
  });

  const RawResponse response = world.Do("GET", kFailureManifest);

  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.body, R"({"errors":[{"code":"MANIFEST_UNKNOWN"}]})");
}

// The whole of an error, and the Location of an upload, in a registry whose stored password is
// "team-password".
std::pair<RawResponse, RawResponse> AnswersOfARegistryThatSays(const std::string& word,
                                                               const std::string& repository) {
  DataplaneWorld world([&](const HttpRequest& request) {
    if (request.method == "POST") {
      return HttpAnswer{.status = 202,
                        .headers = {{"Location", "/v2/" + repository + "/blobs/uploads/" + word}}};
    }
    return HttpAnswer{.status = 404, .headers = {{"Warning", "299 - " + word}}, .body = word};
  });
  world.issuer().SetAnswer([](const token::GrantRequest&) -> token::GrantResult {
    return MakeGrant({"default", "harbor"}, Base64Encode("docker:team-password"), "epoch-1");
  });
  const std::string path = "/v2/namespaces/default/connectors/harbor/" + repository;
  RawResponse error = world.Do("GET", path + "/manifests/v1");
  return {std::move(error), world.Do("POST", path + "/blobs/uploads/")};
}

TEST(APasswordThatTheClientNamed, IsNoSecretInTheAnswer) {
  const auto [error, upload] = AnswersOfARegistryThatSays("team-password", "team-password/app");

  EXPECT_EQ(error.body, "team-password");
  EXPECT_EQ(error.Header("warning"), "299 - team-password");
  EXPECT_EQ(upload.status, 202);
}

TEST(APasswordThatTheClientDidNotName, NeverReachesIt) {
  const auto [error, upload] = AnswersOfARegistryThatSays("team-password", "team/app");

  EXPECT_EQ(error.status, 404);
  EXPECT_THAT(error.body, Not(HasSubstr("team-password")));
  EXPECT_EQ(error.Header("warning"), "");
  EXPECT_EQ(upload.status, 502);
}

TEST(ABasicCredential, NeverReachesTheClientThatNamedItsPassword) {
  const std::string whole = Base64Encode("docker:team-password");
  const auto [error, upload] = AnswersOfARegistryThatSays(whole, "team-password/app");

  EXPECT_THAT(error.body, Not(HasSubstr(whole)));
  EXPECT_EQ(error.Header("warning"), "");
  EXPECT_EQ(upload.status, 502);
}

TEST(AnErrorBody, ThatRepeatsTheCredentialIsReplaced) {
  DataplaneWorld world([](const HttpRequest& request) {
    return HttpAnswer{.status = 404,
                      .headers = {{"Warning", "299 - \"" + request.Header("authorization") + "\""}},
                      .body = "you sent " + request.Header("authorization")};
  });

  const RawResponse response = world.Do("GET", kFailureManifest);

  EXPECT_EQ(response.status, 404);
  EXPECT_THAT(response.body, Not(HasSubstr(kUpstreamToken)));
  EXPECT_THAT(response.head, Not(HasSubstr(kUpstreamToken)));
  EXPECT_THAT(world.log(), Not(HasSubstr(kUpstreamToken)));
}

TEST(AnErrorBody, ThatIsTooLongIsReplaced) {
  DataplaneWorld world([](const HttpRequest&) {
    return HttpAnswer{.status = 500, .body = std::string(70'000, 'e')};
  });

  const RawResponse response = world.Do("GET", kFailureManifest);

  EXPECT_EQ(response.status, 500);
  EXPECT_LT(response.body.size(), 1000U);
}

// The larger one is spliced inside the kernel, the smaller goes through a buffer.
class ABodyThatTheRegistryCuts : public ::testing::TestWithParam<std::size_t> {};

TEST_P(ABodyThatTheRegistryCuts, ReachesTheClientAsACut) {
  DataplaneWorld world([](const HttpRequest&) {
    return HttpAnswer{.status = 200, .body = std::string(GetParam(), 'x'), .cut = true};
  });

  RawClient client(world.port());

  client.Send(DataplaneWorld::Request(
      "GET", std::string(kRepositoryPath) + "/blobs/sha256:" + std::string(64, 'a')));
  const RawResponse response = client.Read();

  EXPECT_EQ(response.status, 200);
  EXPECT_FALSE(response.complete);
  EXPECT_TRUE(client.AtEnd());
}

INSTANTIATE_TEST_SUITE_P(Sizes,
                         ABodyThatTheRegistryCuts,
                         ::testing::Values(std::size_t{200'000}, std::size_t{2'000'000}));

TEST(AReusedConnectionThatDied, IsReplacedForARequestWithoutABody) {
  std::atomic<int> count{0};
  DataplaneWorld world([&](const HttpRequest&) {
    // The first answer promises to keep the connection, then closes it.
    return ++count == 1 ? HttpAnswer{.raw = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"}
                        : HttpAnswer{.status = 200, .body = "ok"};
  });
  RawClient client(world.port());

  for (int i = 0; i < 2; ++i) {
    client.Send(DataplaneWorld::Request("GET", kFailureManifest));
    EXPECT_EQ(client.Read().body, "ok");
  }
  EXPECT_EQ(world.registry().connections(), 2U);
}

struct Nonsense {
  std::string name;
  std::string answer;

  friend void PrintTo(const Nonsense& row, std::ostream* os) { *os << row.name; }
};

class ARegistryThatAnswersNonsense : public ::testing::TestWithParam<Nonsense> {};

TEST_P(ARegistryThatAnswersNonsense, IsA502) {
  DataplaneWorld world([](const HttpRequest&) { return HttpAnswer{.raw = GetParam().answer}; });

  const RawResponse response = world.Do("GET", kFailureManifest);

  EXPECT_EQ(response.status, 502);
}

INSTANTIATE_TEST_SUITE_P(
    Framing,
    ARegistryThatAnswersNonsense,
    ::testing::Values(
        Nonsense{"BareLineFeeds", "HTTP/1.1 200 OK\nContent-Length: 0\n\n"},
        Nonsense{"TwoLengths",
                 "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx"},
        Nonsense{"BothFramings",
                 "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"},
        Nonsense{"FoldedField", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n"},
        Nonsense{"SwitchingProtocols", "HTTP/1.1 101 Switching Protocols\r\n\r\n"},
        Nonsense{"NotHttp", "SSH-2.0-OpenSSH\r\n\r\n"},
        Nonsense{"ARedirectOfAManifest",
                 "HTTP/1.1 302 Found\r\nLocation: https://login.example/\r\n"
                 "Content-Length: 0\r\n\r\n"}),
    [](const auto& row) { return row.param.name; });

TEST(ARegistryThatIsDown, IsA502ThatNamesIt) {
  DataplaneWorld world(Ok, {.adjust = [](routes::Route& route) { route.origin.port = 1; }});

  const RawResponse response = world.Do("GET", kFailureManifest);

  EXPECT_EQ(response.status, 502);
  EXPECT_THAT(response.body, HasSubstr("127.0.0.1:1"));
}

TEST(ARegistryThatIsSilent, IsA504) {
  DataplaneWorld world([](const HttpRequest&) { return HttpAnswer{.silent = true}; },
                       {.adjust = [](routes::Route& route) {
                         route.limits.idle_timeout = std::chrono::milliseconds(200);
                       }});

  EXPECT_EQ(world.Do("GET", kFailureManifest).status, 504);
}

TEST(ARegistryOverTls, IsServedWhenTheConnectorTrustsItsCa) {
  const TestCa ca;
  DataplaneWorld world(Ok, {.tls = testing_support::TlsSetup{ca.Issue()}, .ca_pem = ca.pem()});

  EXPECT_EQ(world.Do("GET", kFailureManifest).body, "ok");
}

TEST(ARegistryOverTls, WithACertificateOfAnotherCaIsA502ThatSaysSo) {
  const TestCa ca;
  const TestCa other;
  DataplaneWorld world(Ok, {.tls = testing_support::TlsSetup{ca.Issue()}, .ca_pem = other.pem()});

  const RawResponse response = world.Do("GET", kFailureManifest);

  EXPECT_EQ(response.status, 502);
  EXPECT_THAT(response.body, HasSubstr("certificate"));
  EXPECT_THAT(world.registry().requests(), SizeIs(0));
}

TEST(ARegistryOverTls, WithACertificateOfAnotherNameIsA502) {
  const TestCa ca;
  DataplaneWorld world(
      Ok,
      {.tls = testing_support::TlsSetup{ca.Issue({.names = {"DNS:other.example"}})},
       .ca_pem = ca.pem()});

  EXPECT_EQ(world.Do("GET", kFailureManifest).status, 502);
  EXPECT_THAT(world.registry().requests(), SizeIs(0));
}

TEST(TooManyRequestsAtOnce, AreRefusedWith429) {
  DataplaneWorld world(
      Ok, {.adjust = [](routes::Route& route) { route.limits.max_concurrent_requests = 0; }});

  EXPECT_EQ(world.Do("GET", kFailureManifest).status, 429);
}

}  // namespace
}  // namespace connector::dataplane
