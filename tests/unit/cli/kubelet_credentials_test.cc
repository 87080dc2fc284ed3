#include "cli/kubelet_credentials.h"

#include "common/base/encoding.h"
#include "tests/support/cpp/result_matchers.h"
#include "tests/unit/cli/console_fixture.h"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>

namespace connector::cli {
namespace {

using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing_support::HasErrorMessage;

constexpr WallTime kAskedAt{seconds(1'800'000'000)};

ProviderHosts Hosts() {
  return {{"corp.example.com"}, {"10.0.0.1:8080"}, {"harbor.example.com", "docker.io"}};
}

// Unsigned: nothing here verifies it.
std::string Token(const std::string& claims) {
  return Base64UrlEncode(R"({"alg":"RS256"})") + "." +
         Base64UrlEncode(R"({"iss":"https://k","sub":"system:serviceaccount:a:b")" + claims + "}") +
         ".c2ln";
}

std::string TokenUntil(seconds left) {
  const auto end = std::chrono::duration_cast<seconds>(kAskedAt.time_since_epoch() + left);
  return Token(",\"exp\":" + std::to_string(end.count()));
}

std::string Request(const std::string& image, const std::string& token) {
  const boost::json::value request = {{"kind", "CredentialProviderRequest"},
                                      {"apiVersion", "credentialprovider.kubelet.k8s.io/v1"},
                                      {"image", image},
                                      {"serviceAccountToken", token},
                                      {"serviceAccountAnnotations", {{"a/b", "c"}}}};
  return boost::json::serialize(request);
}

boost::json::value Answer(const std::string& request, seconds longest = seconds(300)) {
  const Result<Secret> answer = AnswerKubelet(request, Hosts(), longest, kAskedAt);
  return answer ? boost::json::parse(answer->Reveal())
                : boost::json::value(boost::json::string(answer.error().message));
}

const char* const kImage = "c-harbor.default.svc/team/app:v1";

TEST(AnswerKubelet, IsThePodsTokenForTheImagesHost) {
  const std::string token = TokenUntil(seconds(3600));
  const boost::json::value wanted = {
      {"kind", "CredentialProviderResponse"},
      {"apiVersion", "credentialprovider.kubelet.k8s.io/v1"},
      {"cacheKeyType", "Registry"},
      {"cacheDuration", "300s"},
      {"auth", {{"c-harbor.default.svc", {{"username", "connector"}, {"password", token}}}}}};
  EXPECT_EQ(Answer(Request(kImage, token)), wanted);
}

TEST(AnswerKubelet, IsRememberedNoLongerThanTheTokenLives) {
  const auto cached = [](seconds left) {
    return Answer(Request(kImage, TokenUntil(left))).at("cacheDuration").get_string();
  };
  EXPECT_EQ(cached(seconds(311)), "300s");
  EXPECT_EQ(cached(seconds(309)), "299s");
  EXPECT_EQ(cached(seconds(11)), "1s");
  EXPECT_EQ(cached(seconds(9)), "0s");
  EXPECT_EQ(Answer(Request(kImage, Token(""))).at("cacheDuration").get_string(), "0s");
}

TEST(AnswerKubelet, HoldsNoCredentialForAnotherRegistry) {
  const boost::json::value wanted = {{"kind", "CredentialProviderResponse"},
                                     {"apiVersion", "credentialprovider.kubelet.k8s.io/v1"},
                                     {"cacheKeyType", "Registry"},
                                     {"cacheDuration", "0s"}};
  EXPECT_EQ(Answer(Request("quay.io/a/b", TokenUntil(seconds(60)))), wanted);
}

struct ImageRow {
  std::string_view name;
  std::string_view image;
  std::string_view host = "";  // Empty: no credential.

  friend void PrintTo(const ImageRow& row, std::ostream* os) { *os << row.name; }
};

class CredentialHostOf : public ::testing::TestWithParam<ImageRow> {};

TEST_P(CredentialHostOf, IsOursOrNone) {
  EXPECT_EQ(CredentialHost(GetParam().image, Hosts()).value_or(""), GetParam().host);
}

INSTANTIATE_TEST_SUITE_P(
    Ours,
    CredentialHostOf,
    ::testing::Values(
        ImageRow{"HostForm", "c-harbor.default.svc/a", "c-harbor.default.svc"},
        ImageRow{"HostFormLong", "c-a-b.ns.svc.cluster.local/a:v1", "c-a-b.ns.svc.cluster.local"},
        ImageRow{"HostFormOfTheOlderProduct",
                 "c-a-connector.default.svc.local/test/abc",
                 "c-a-connector.default.svc.local"},
        ImageRow{"HostFormOfAnyDomain", "c-a.ns.svc.corp.internal/a", "c-a.ns.svc.corp.internal"},
        ImageRow{"HostFormBelowASuffix", "c-a.ns.corp.example.com/a", "c-a.ns.corp.example.com"},
        ImageRow{"HostFormPort",
                 "c-a.ns.svc:8080/a@sha256:"
                 "0123",
                 "c-a.ns.svc:8080"},
        ImageRow{"PathForm", "10.0.0.1:8080/namespaces/a/connectors/b/c/d:1", "10.0.0.1:8080"},
        ImageRow{"Mirror", "harbor.example.com/a:v1", "harbor.example.com"},
        ImageRow{"MirrorOfTheHub", "docker.io/library/nginx:latest", "docker.io"}),
    [](const auto& row) { return std::string(row.param.name); });

INSTANTIATE_TEST_SUITE_P(
    NotOurs,
    CredentialHostOf,
    ::testing::Values(
        ImageRow{"AnotherRegistry", "quay.io/a/b"},
        ImageRow{"ASuffixThatOnlyEndsTheSame", "c-a.nssvc/a"},
        ImageRow{"ASuffixWithMoreBehind", "c-a.ns.corp.example.com.evil.example/a"},
        ImageRow{"ASuffixWithMoreInFront", "c-a.ns.evil.corp.example.com/a"},
        ImageRow{"ADomainWithoutSvc", "c-a.ns.evil.example/a"},
        ImageRow{"AServiceOfAnotherKind", "harbor.default.svc/a"},
        ImageRow{"AHostWithMoreLabels", "c-a.b.ns.svc/a"},
        ImageRow{"AHostWithoutNamespace", "c-a.svc/a"},
        ImageRow{"AHostWithoutName", "c-.ns.svc/a"},
        ImageRow{"ALabelOfLabels", "c-a.ns-.svc/a"},
        ImageRow{"UpperCase", "C-a.ns.svc/a"},
        ImageRow{"AUser", "c-a.ns.svc@evil.example/a"},
        ImageRow{"AUserBeforeTheHost", "evil@c-a.ns.svc/a"},
        ImageRow{"AnotherPortOfAPathHost", "10.0.0.1:8081/namespaces/a/connectors/b/c"},
        ImageRow{"APathHostWithoutPathForm", "10.0.0.1:8080/a/b"},
        ImageRow{"APathFormWithoutRepository", "10.0.0.1:8080/namespaces/a/connectors/b"},
        ImageRow{"APathFormThatOnlyBeginsSo", "10.0.0.1:8080/namespaces/a/connector/b/c"},
        ImageRow{"APortOfAMirror", "harbor.example.com:444/a"},
        ImageRow{"NoRepository", "c-a.ns.svc/"},
        ImageRow{"NoHost", "nginx"},
        ImageRow{"ARepositoryThatIsNone", "c-a.ns.svc/../a"},
        ImageRow{"ATagThatIsNone", "c-a.ns.svc/a:b/c"},
        ImageRow{"AQuote", "c-a.ns.svc\"/a"},
        ImageRow{"Nothing", ""}),
    [](const auto& row) { return std::string(row.param.name); });

struct RefusedKubelet {
  std::string_view name;
  std::string request;
  std::string_view reason;
  ErrorCode code = ErrorCode::kInvalidArgument;

  friend void PrintTo(const RefusedKubelet& row, std::ostream* os) { *os << row.name; }
};

std::string Replaced(std::string request, const std::string& from, const std::string& to) {
  return request.replace(request.find(from), from.size(), to);
}

class AnswerKubeletRefuses : public ::testing::TestWithParam<RefusedKubelet> {};

TEST_P(AnswerKubeletRefuses, WithTheReasonAndWithoutTheToken) {
  EXPECT_THAT(
      AnswerKubelet(GetParam().request, Hosts(), seconds(300), kAskedAt),
      HasErrorMessage(GetParam().code,
                      AllOf(HasSubstr(std::string(GetParam().reason)), Not(HasSubstr("c2ln")))));
}

const std::string kGood = Request(kImage, TokenUntil(seconds(600)));

INSTANTIATE_TEST_SUITE_P(
    Wrong,
    AnswerKubeletRefuses,
    ::testing::Values(
        RefusedKubelet{"NoJson", "x", "not a JSON object"},
        RefusedKubelet{"AList", "[]", "not a JSON object"},
        RefusedKubelet{"MoreThanOneObject", kGood + "{}", "not a JSON object"},
        RefusedKubelet{
            "AnotherVersion", Replaced(kGood, "io/v1", "io/v1beta1"), "apiVersion is not"},
        RefusedKubelet{"AnotherKind", Replaced(kGood, "Request", "Response"), "kind is not"},
        RefusedKubelet{"NoImage", Request("", TokenUntil(seconds(600))), "names no image"},
        RefusedKubelet{"AnImageThatIsNoText",
                       Replaced(kGood, std::string("\"") + kImage + "\"", "1"),
                       "names no image"},
        RefusedKubelet{"NoToken", Request(kImage, ""), "write tokenAttributes"},
        RefusedKubelet{"ATokenWithALineBreak",
                       Request(kImage, TokenUntil(seconds(600)) + "\n"),
                       "a character that no token has"},
        RefusedKubelet{"ATokenWithAQuote",
                       Request(kImage, TokenUntil(seconds(600)) + "\""),
                       "a character that no token has"},
        RefusedKubelet{"ATokenThatIsNone",
                       Request(kImage, "secret-c2ln"),
                       "is not a JSON Web Token",
                       ErrorCode::kUnauthenticated},
        RefusedKubelet{"ATokenThatHasEnded",
                       Request(kImage, TokenUntil(seconds(0))),
                       "has ended",
                       ErrorCode::kUnauthenticated}),
    [](const auto& row) { return std::string(row.param.name); });

std::string LongLived() {
  return Token(",\"exp\":4102444799");
}

TEST(CredentialProvider, AnswersWhatTheKubeletWrites) {
  const Outcome outcome =
      Connectorctl({"credential-provider", "--cache-duration=1m"}, Request(kImage, LongLived()));
  EXPECT_EQ(outcome.code, kExitOk) << outcome.err;
  EXPECT_THAT(outcome.err, IsEmpty());
  const boost::json::value answer = boost::json::parse(outcome.out);
  EXPECT_EQ(answer.at("cacheDuration").get_string(), "60s");
  EXPECT_EQ(answer.at("auth").at("c-harbor.default.svc").at("password").get_string(), LongLived());
}

TEST(CredentialProvider, TakesOtherSuffixesBesideItsOwn) {
  const auto has_credential = [](const std::string& image) {
    const Outcome outcome = Connectorctl({"credential-provider",
                                          "--host-suffix=corp.example",
                                          "--mirror-host=r.example",
                                          "--path-host=node:5000"},
                                         Request(image, LongLived()));
    EXPECT_EQ(outcome.code, kExitOk) << outcome.err;
    return boost::json::parse(outcome.out).as_object().contains("auth");
  };
  EXPECT_TRUE(has_credential("c-a.b.corp.example/x"));
  EXPECT_TRUE(has_credential("c-a.b.svc/x"));
  EXPECT_FALSE(has_credential("c-a.b.other.example/x"));
  EXPECT_TRUE(has_credential("r.example/x"));
  EXPECT_TRUE(has_credential("node:5000/namespaces/a/connectors/b/x"));
}

TEST(CredentialProvider, RefusesHostsThatAreNone) {
  for (const std::string_view flag : {"--host-suffix=svc:1",
                                      "--mirror-host=https://r.example",
                                      "--mirror-host=R.example",
                                      "--path-host=a/b"}) {
    const Outcome outcome = Connectorctl({"credential-provider", flag}, kGood);
    EXPECT_EQ(outcome.code, kExitUsage) << flag;
    EXPECT_THAT(outcome.err, HasSubstr("must be HOST"));
  }
}

TEST(CredentialProvider, SaysOnStandardErrorWhyItGivesNothing) {
  const Outcome outcome =
      Connectorctl({"credential-provider"}, Request(kImage, Token(",\"exp\":1000000000")));
  EXPECT_EQ(outcome.code, kExitFailed);
  EXPECT_THAT(outcome.out, IsEmpty());
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("has ended"), Not(HasSubstr("c2ln"))));
  EXPECT_EQ(Connectorctl({"credential-provider"}, "{}").code, kExitUsage);
}

}  // namespace
}  // namespace connector::cli
