#include "broker/callers/oidc/key_source.h"

#include "tests/contract/broker/callers/issuer_stand_in.h"
#include "tests/support/cpp/result_matchers.h"
#include "tests/support/cpp/run_task.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace connector::broker::callers {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing_support::HasError;
using testing_support::HasErrorMessage;
using testing_support::IssuerStandIn;

KeySource Source(bool allow_insecure = false) {
  return {testing_support::kTestIssuer, "the CA", std::nullopt, allow_insecure};
}

std::string SomeJwks() {
  return testing_support::Jwks({testing_support::SigningKey::Ec().PublicJwk("k")});
}

TEST(DiscoveryUrl, AppendsTheWellKnownPath) {
  const auto url = [](const char* issuer) {
    const auto found = DiscoveryUrl(issuer, false);
    return found ? found->ToString() : found.error().message;
  };
  const std::string path = "/.well-known/openid-configuration";
  EXPECT_EQ(url("https://a.example"), "https://a.example" + path);
  EXPECT_EQ(url("https://a.example/"), "https://a.example" + path);
  EXPECT_EQ(url("https://a.example:8443/realms/x"), "https://a.example:8443/realms/x" + path);
  EXPECT_EQ(url("https://a.example/realms/x/"), "https://a.example/realms/x" + path);
}

TEST(DiscoveryUrl, RefusesAnIssuerThatIsNoHttpsUrl) {
  for (const char* issuer : {"", "a.example", "https://a?x=1", "https://a?", "https://a#x"}) {
    EXPECT_THAT(DiscoveryUrl(issuer, true), HasError(ErrorCode::kInvalidArgument)) << issuer;
  }
  EXPECT_THAT(DiscoveryUrl("http://a", false), HasError(ErrorCode::kInvalidArgument));
  EXPECT_TRUE(DiscoveryUrl("http://a", true));
}

TEST(ReadDiscovery, TakesAJwksUriOnAnyHostOverHttps) {
  const auto document = R"({"issuer":"https://issuer.example","jwks_uri":"https://10.0.0.1/k"})";

  const auto url = ReadDiscovery(Source(), document);

  ASSERT_TRUE(url) << url.error().message;
  EXPECT_EQ(url->ToString(), "https://10.0.0.1/k");
}

TEST(ReadDiscovery, RefusesADocumentThatBreaksARule) {
  struct Row {
    const char* reason;
    std::string document;
  };
  const std::string issuer = R"("issuer":"https://issuer.example")";
  for (const auto& [reason, document] : {
           Row{"not a JSON object", ""},
           Row{"not a JSON object", "[]"},
           Row{"another issuer", "{}"},
           Row{"another issuer", R"({"issuer":7,"jwks_uri":"https://k"})"},
           Row{"another issuer", R"({"issuer":"https://issuer.example/","jwks_uri":"https://k"})"},
           Row{"no jwks_uri", "{" + issuer + "}"},
           Row{"no jwks_uri", "{" + issuer + R"(,"jwks_uri":["https://k"]})"},
           Row{"http URL", "{" + issuer + R"(,"jwks_uri":"http://k"})"},
           Row{"jwks_uri", "{" + issuer + R"(,"jwks_uri":"file:///etc/passwd"})"},
           Row{"jwks_uri", "{" + issuer + R"(,"jwks_uri":"https://u:p@k"})"},
           Row{"64 KiB", std::string(kMaxDiscoveryBytes + 1, ' ')},
       }) {
    EXPECT_THAT(ReadDiscovery(Source(), document),
                HasErrorMessage(ErrorCode::kUnavailable, HasSubstr(reason)))
        << document;
  }
  EXPECT_TRUE(ReadDiscovery(Source(true), "{" + issuer + R"(,"jwks_uri":"http://k"})"));
}

class FetchKeysTest : public ::testing::Test {
 protected:
  Result<jose::JwkSet> Fetch(const KeySource& source) {
    return testing_support::RunTask(FetchKeys(
        source, issuer_.Fetch(), std::chrono::steady_clock::now() + std::chrono::seconds(30)));
  }
  IssuerStandIn issuer_{SomeJwks()};
};

TEST_F(FetchKeysTest, AsksForTheDiscoveryDocumentAndThenForTheKeys) {
  const auto keys = Fetch(Source());

  ASSERT_TRUE(keys) << keys.error().message;
  EXPECT_EQ(keys->size(), 1U);
  EXPECT_THAT(issuer_.asked,
              ElementsAre(testing_support::kDiscoveryUrl, testing_support::kJwksUrl));
  EXPECT_EQ(issuer_.last_ca, "the CA");
}

TEST_F(FetchKeysTest, SkipsDiscoveryWhenConfigured) {
  KeySource source = Source();
  source.jwks_uri = *http::ParseUrl(testing_support::kJwksUrl);

  EXPECT_TRUE(Fetch(source));
  EXPECT_THAT(issuer_.asked, ElementsAre(testing_support::kJwksUrl));
}

TEST_F(FetchKeysTest, SaysWhichStepFailed) {
  issuer_.documents[testing_support::kJwksUrl] = "{}";
  EXPECT_THAT(Fetch(Source()), HasErrorMessage(ErrorCode::kUnavailable, HasSubstr("JWKS")));
  issuer_.documents.erase(testing_support::kJwksUrl);
  EXPECT_THAT(Fetch(Source()), HasErrorMessage(ErrorCode::kUnavailable, HasSubstr("jwks_uri: no")));
  issuer_.documents[testing_support::kDiscoveryUrl] = "{}";
  EXPECT_THAT(Fetch(Source()),
              HasErrorMessage(ErrorCode::kUnavailable, HasSubstr("another issuer")));
  issuer_.documents.clear();
  EXPECT_THAT(Fetch(Source()),
              HasErrorMessage(ErrorCode::kUnavailable, HasSubstr("discovery: no")));
}

}  // namespace
}  // namespace connector::broker::callers
