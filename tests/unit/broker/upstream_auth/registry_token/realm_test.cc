#include "broker/upstream_auth/registry_token/realm.h"

#include "tests/support/cpp/result_matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>

namespace connector::broker::upstream_auth {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing_support::HasErrorMessage;
using testing_support::HasValue;

constexpr oci::ActionSet kPull{oci::Action::kPull};
constexpr oci::ActionSet kPullPush{oci::Action::kPull, oci::Action::kPush};

resource::Connector Harbor() {
  resource::Connector connector;
  connector.ref = {"default", "harbor"};
  connector.address = *http::ParseOrigin("https://harbor.example.com");
  return connector;
}

resource::Connector Pinned(const std::string& realm) {
  resource::Connector connector = Harbor();
  connector.upstream.token_realm = *http::ParseUrl(realm);
  return connector;
}

Result<TokenEndpoint> Endpoint(const resource::Connector& connector,
                               const std::string& realm,
                               const std::string& service = "s") {
  return PinnedEndpoint(connector, {realm, service, "repository:evil:push"});
}

TEST(PinnedEndpoint, AllowsAnyPathOnTheOriginOfTheAddress) {
  EXPECT_THAT(
      Endpoint(Harbor(), "https://HARBOR.example.com:443/service/token"),
      HasValue(TokenEndpoint{*http::ParseUrl("https://harbor.example.com/service/token"), "s"}));
}

TEST(PinnedEndpoint, AllowsExactlyThePinnedRealm) {
  EXPECT_THAT(Endpoint(Pinned("https://auth.example.com/token"), "https://auth.example.com/token"),
              HasValue(TokenEndpoint{*http::ParseUrl("https://auth.example.com/token"), "s"}));
}

struct Refused {
  std::string_view name;
  resource::Connector connector;
  std::string realm;
  std::string says = "set spec.upstream.tokenRealm";

  friend void PrintTo(const Refused& row, std::ostream* os) { *os << row.name; }
};

class PinnedEndpointRefuses : public ::testing::TestWithParam<Refused> {};

TEST_P(PinnedEndpointRefuses, WithWhatToDo) {
  EXPECT_THAT(Endpoint(GetParam().connector, GetParam().realm),
              HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr(GetParam().says)));
}

INSTANTIATE_TEST_SUITE_P(
    ForeignRealms,
    PinnedEndpointRefuses,
    ::testing::Values(
        Refused{"AnotherHost", Harbor(), "https://auth.example.com/token"},
        Refused{"ASubdomain", Harbor(), "https://a.harbor.example.com/token"},
        Refused{"AnotherPort", Harbor(), "https://harbor.example.com:8443/token"},
        Refused{"AnotherScheme", Harbor(), "http://harbor.example.com/token"},
        Refused{"TheAddressWhenAnotherIsPinned",
                Pinned("https://auth.example.com/token"),
                "https://harbor.example.com/token"},
        Refused{"AnotherPathThanThePinned",
                Pinned("https://auth.example.com/token"),
                "https://auth.example.com/token/"},
        Refused{"AnotherPortThanThePinned",
                Pinned("https://auth.example.com/token"),
                "https://auth.example.com:444/token"},
        Refused{"NoHttps",
                Pinned("http://auth.example.com/token"),
                "http://auth.example.com/token",
                "allowInsecureUpstream"},
        Refused{"UserInformation", Harbor(), "https://x@harbor.example.com/", "not a URL"},
        Refused{"NoUrl", Harbor(), "/service/token", "not a URL"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(PinnedEndpoint, AllowsHttpOnlyWhereTheConnectorDoes) {
  resource::Connector connector = Pinned("http://auth.example.com/token");
  connector.upstream.allow_insecure = true;

  EXPECT_TRUE(Endpoint(connector, "http://auth.example.com/token").has_value());
}

TEST(PinnedEndpoint, NamesTheServiceThatWasRefusedWithoutItsQuery) {
  EXPECT_THAT(Endpoint(Harbor(), "https://auth.example.com/token?secret=x"),
              HasErrorMessage(ErrorCode::kInvalidArgument,
                              AllOf(HasSubstr("https://auth.example.com/token"),
                                    HasSubstr("default/harbor"),
                                    ::testing::Not(HasSubstr("secret")))));
}

struct Kept {
  std::string_view name;
  std::string sent;
  std::string service;
  std::string kept;

  friend void PrintTo(const Kept& row, std::ostream* os) { *os << row.name; }
};

class PinnedEndpointQuery : public ::testing::TestWithParam<Kept> {};

TEST_P(PinnedEndpointQuery, Is) {
  const Result<TokenEndpoint> endpoint =
      Endpoint(Harbor(), "https://harbor.example.com/t?" + GetParam().sent, GetParam().service);

  ASSERT_TRUE(endpoint.has_value());
  EXPECT_EQ(endpoint->realm.query, GetParam().kept);
}

INSTANTIATE_TEST_SUITE_P(
    Rules,
    PinnedEndpointQuery,
    ::testing::Values(Kept{"KeptAsItIs", "a=%2F&b", "s", "a=%2F&b"},
                      Kept{"WithoutScope", "scope=repository:x:push&a=b", "s", "a=b"},
                      Kept{"WithoutScopeInDisguise", "sc%6fpe=x&a=b", "s", "a=b"},
                      Kept{"WithoutScopeAfterASemicolon", "a=b;scope=x", "s", "a=b"},
                      Kept{"WithoutClientIdAndAccount", "client_id=x&account=y", "s", ""},
                      Kept{"WithoutServiceWhenTheChallengeNamesOne", "service=x", "s", ""},
                      Kept{"WithServiceWhenTheChallengeNamesNone", "service=x", "", "service=x"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(PinnedEndpoint, PrefersThePinnedQuery) {
  const Result<TokenEndpoint> endpoint =
      Endpoint(Pinned("https://auth.example.com/t?a=pinned"), "https://auth.example.com/t?a=sent");

  ASSERT_TRUE(endpoint.has_value());
  EXPECT_EQ(endpoint->realm.query, "a=pinned");
}

TEST(OrderedForTokenService, PutsTheScopeWithMostActionsFirst) {
  EXPECT_THAT(
      OrderedForTokenService({{"a", kPull}, {"b", kPullPush}, {"c", kPull}}),
      ElementsAre(oci::Scope{"b", kPullPush}, oci::Scope{"a", kPull}, oci::Scope{"c", kPull}));
}

TEST(TokenUrl, EncodesEveryPart) {
  const TokenEndpoint endpoint{*http::ParseUrl("https://a.example/t?x=1"), "the service&"};

  EXPECT_EQ(TokenUrl(endpoint, {{"b/c", kPullPush}, {"d", kPull}}).ToString(),
            "https://a.example/t?x=1&service=the%20service%26"
            "&scope=repository%3Ab%2Fc%3Apull%2Cpush&scope=repository%3Ad%3Apull"
            "&client_id=oci-connector");
}

TEST(TokenUrl, LeavesOutWhatIsEmpty) {
  EXPECT_EQ(TokenUrl({*http::ParseUrl("https://a.example/t"), ""}, {}).ToString(),
            "https://a.example/t?client_id=oci-connector");
}

TEST(TokenForm, HoldsThePasswordOnlyWithoutAnIdentityToken) {
  const TokenEndpoint endpoint{*http::ParseUrl("https://a.example/t"), "s"};
  secrets::RegistryCredential credential;
  credential.username = "robot$a+b";
  credential.password = Secret("p&=");
  EXPECT_EQ(TokenForm(endpoint, {{"a", kPull}, {"b", kPull}}, credential).Reveal(),
            "grant_type=password&username=robot%24a%2Bb&password=p%26%3D&service=s"
            "&scope=repository%3Aa%3Apull%20repository%3Ab%3Apull&client_id=oci-connector");

  credential.identity_token = Secret("r");
  EXPECT_EQ(TokenForm(endpoint, {}, credential).Reveal(),
            "grant_type=refresh_token&refresh_token=r&service=s&client_id=oci-connector");
}

}  // namespace
}  // namespace connector::broker::upstream_auth
