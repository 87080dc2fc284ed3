#include "csi/volume/volume_attributes.h"

#include "tests/support/cpp/result_matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <ostream>
#include <string>
#include <string_view>

namespace connector::csi::volume {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::Not;
using testing_support::HasErrorMessage;
using testing_support::HasValue;

using Context = std::map<std::string, std::string>;

// What a kubelet with podInfoOnMount adds, and `written` by the pod's author.
Context With(const Context& written) {
  Context context = {{"csi.storage.k8s.io/pod.name", "build-1"},
                     {"csi.storage.k8s.io/pod.namespace", "ci"},
                     {"csi.storage.k8s.io/pod.uid", "0f9d2c7e-5a1b-4c3d-8e2f-112233445566"},
                     {"csi.storage.k8s.io/serviceAccount.name", "builder"},
                     {"csi.storage.k8s.io/ephemeral", "true"}};
  for (const auto& [key, value] : written) {
    context[key] = value;
  }
  return context;
}

TEST(ParseVolumeAttributes, ReadsEverythingThatAPodMayWrite) {
  const auto attributes =
      ParseVolumeAttributes(With({{"connectors", "harbor, shared/hub"},
                                  {"configuration.names", "registry-config,!auth.json"},
                                  {"configuration.params", R"({"mountPath":"/etc/x"})"},
                                  {"token.expiration", "30m"}}));

  EXPECT_THAT(attributes,
              HasValue(VolumeAttributes{
                  {"ci", "build-1", "0f9d2c7e-5a1b-4c3d-8e2f-112233445566", "builder"},
                  {{"ci", "harbor"}, {"shared", "hub"}},
                  {"registry-config", "!auth.json"},
                  {{"mountPath", "/etc/x"}}}));
}

TEST(ParseVolumeAttributes, ReadsTheOlderPairOfNames) {
  EXPECT_THAT(ParseVolumeAttributes(
                  With({{"connector.name", "harbor"}, {"connector.namespace", "shared"}})),
              HasValue(Field(&VolumeAttributes::connectors,
                             ElementsAre(ConnectorRef{"shared", "harbor"}))));
}

TEST(ParseVolumeAttributes, TakesThePodsNamespaceWhereTheOlderPairNamesNone) {
  EXPECT_THAT(
      ParseVolumeAttributes(With({{"connector.name", "harbor"}})),
      HasValue(Field(&VolumeAttributes::connectors, ElementsAre(ConnectorRef{"ci", "harbor"}))));
}

TEST(ParseVolumeAttributes, AcceptsWhatKubeletsAddWithoutKnowingIt) {
  EXPECT_THAT(ParseVolumeAttributes(With({{"connectors", "harbor"},
                                          {"csi.storage.k8s.io/something.new", "x"},
                                          {std::string(kTokensKey), "{}"}})),
              HasValue(Field(&VolumeAttributes::configurations, ElementsAre())));
}

struct Refused {
  std::string_view name;
  Context written;
  std::string says;

  friend void PrintTo(const Refused& row, std::ostream* os) { *os << row.name; }
};

class ParseAttributesRefuses : public ::testing::TestWithParam<Refused> {};

TEST_P(ParseAttributesRefuses, WithASentenceThatSaysWhatToChange) {
  EXPECT_THAT(ParseVolumeAttributes(With(GetParam().written)),
              HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr(GetParam().says)));
}

INSTANTIATE_TEST_SUITE_P(
    Wrong,
    ParseAttributesRefuses,
    ::testing::Values(
        Refused{"NoConnector", {}, "connectors is missing"},
        Refused{"AnEmptyConnector", {{"connectors", "a,,b"}}, "not [NAMESPACE/]NAME"},
        Refused{"APathAsConnector", {{"connectors", "../x"}}, "\"../x\""},
        Refused{"ThreeComponents", {{"connectors", "a/b/c"}}, "\"a/b/c\""},
        Refused{"UpperCase", {{"connectors", "Harbor"}}, "\"Harbor\""},
        Refused{"AControlCharacterWhichIsNotShown", {{"connectors", "a\nb"}}, "\"a?b\""},
        Refused{"AConnectorTwice", {{"connectors", "harbor,ci/harbor"}}, "ci/harbor twice"},
        Refused{
            "BothWaysOfNaming", {{"connectors", "a"}, {"connector.name", "b"}}, "leave one out"},
        Refused{"ANamespaceWithoutAName", {{"connector.namespace", "a"}}, "connectors is missing"},
        Refused{"AWrongOlderName", {{"connector.name", "a_b"}}, "connector.name say"},
        Refused{"AnUnknownAttribute",
                {{"connectors", "a"}, {"connector.nam", "b"}},
                "\"connector.nam\" is not known; there are connectors,"},
        Refused{"ParametersThatAreNoJson",
                {{"connectors", "a"}, {"configuration.params", "{"}},
                "configuration.params"},
        Refused{"AnExpirationThatIsNoDuration",
                {{"connectors", "a"}, {"token.expiration", "soon"}},
                "from 10m to 24h"},
        Refused{"AnExpirationThatIsTooShort",
                {{"connectors", "a"}, {"token.expiration", "9m59s"}},
                "from 10m to 24h"},
        Refused{"AnExpirationThatIsTooLong",
                {{"connectors", "a"}, {"token.expiration", "24h1s"}},
                "from 10m to 24h"},
        Refused{"APersistentVolume",
                {{"connectors", "a"}, {"csi.storage.k8s.io/ephemeral", "false"}},
                "only inline volumes"},
        Refused{"AKubeletThatDoesNotSayWhoThePodIs",
                {{"connectors", "a"}, {"csi.storage.k8s.io/pod.uid", ""}},
                "podInfoOnMount: true"},
        Refused{"AServiceAccountThatIsNoName",
                {{"connectors", "a"}, {"csi.storage.k8s.io/serviceAccount.name", "a:b"}},
                "are no names"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(ParseVolumeAttributes, RefusesMoreConnectorsThanAVolumeHolds) {
  std::string names = "a0";
  for (int i = 1; i <= 32; ++i) {
    names += ",a" + std::to_string(i);
  }

  EXPECT_THAT(ParseVolumeAttributes(With({{"connectors", names}})),
              HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("more than 32")));
}

TEST(ParseVolumeAttributes, NeverQuotesTheTokens) {
  const std::string token = "eyJhbGciOi";

  EXPECT_THAT(ParseVolumeAttributes(With({{std::string(kTokensKey), token}, {"x", "y"}})),
              HasErrorMessage(ErrorCode::kInvalidArgument,
                              AllOf(HasSubstr("\"x\""), Not(HasSubstr(token)))));
}

}  // namespace
}  // namespace connector::csi::volume
