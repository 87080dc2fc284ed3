#include "common/render/volume.h"

#include "tests/support/cpp/result_matchers.h"
#include "tests/unit/common/render/volume_fixture.h"

#include <gmock/gmock.h>

#include <memory>
#include <ostream>
#include <string>

namespace connector::render {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing_support::HasErrorMessage;

const char* const kOwn = R"(  - name: own
    params:
    - {name: proxy, required: true, description: where to go}
    - {name: level, default: info}
    files:
      own.json: |
        {"proxy": "{{params.proxy}}", "level": "{{params.level}}"}
)";

TEST(RenderVolume, HasTheBuiltInFilesUnderBothTheirNames) {
  const VolumeRequest request = Request({Named("a"), PathForm(Plain())}, {});
  EXPECT_EQ(FileOf(request, "token"), "eyJ.a.b");
  EXPECT_EQ(FileOf(request, "context.token"), "eyJ.a.b");
  const std::string addresses =
      "c-a.default.svc.cluster.local\n127.0.0.1:5080/namespaces/default/connectors/harbor";
  EXPECT_EQ(FileOf(request, "address"), addresses);
  EXPECT_EQ(FileOf(request, "connector.status.proxyAddress"), addresses);
  EXPECT_EQ(FileOf(request, "ca.crt"), "no such file");
}

TEST(RenderVolume, GivesAllButTheFilesWithTheTokenToEveryone) {
  const VolumeRequest request = Request(
      {Named("a", "r.example")}, {"registry-config", "auth", "containerd", "buildkitd", "helm"});
  const Result<Volume> volume = RenderVolume(request);
  ASSERT_TRUE(volume.has_value());
  for (const auto& [path, file] : *volume) {
    const std::string_view text = file.content.Reveal();
    const bool holds = text.find("eyJ.a.b") != std::string_view::npos ||
                       text.find("Y29ubmVjdG9yOmV5Si5hLmI=") != std::string_view::npos;
    EXPECT_EQ(file.holds_token, holds) << path;
    EXPECT_EQ(file.mode(), holds ? 0600U : 0644U) << path;
  }
}

VolumeConnector WithToken(VolumeConnector connector, const std::string& token) {
  connector.token = std::make_shared<const Secret>(token);
  return connector;
}

TEST(RenderVolume, GivesEachConnectorItsOwnTokenAndTheOthersThatOfTheVolume) {
  const VolumeRequest request = Request({WithToken(Named("a", "r.example"), "own"), Named("b")},
                                        {"registry-config", "containerd"});
  // connector:own and connector:eyJ.a.b
  EXPECT_THAT(
      FileOf(request, "config.json"),
      AllOf(HasSubstr(R"("c-a.default.svc.cluster.local": {"auth": "Y29ubmVjdG9yOm93bg=="})"),
            HasSubstr(R"("c-b.default.svc.cluster.local": {"auth": "Y29ubmVjdG9yOmV5Si5hLmI="})")));
  EXPECT_THAT(FileOf(request, "containerd/certs.d/r.example/hosts.toml"),
              HasSubstr("Basic Y29ubmVjdG9yOm93bg=="));
  EXPECT_EQ(FileOf(request, "token"), "eyJ.a.b");
}

TEST(RenderVolume, NeedsNoTokenForAllWhereEachConnectorHasItsOwn) {
  constexpr const char* kForAll = R"(  - name: own
    files: {own.txt: "{{token}}"}
  - name: each
    files: {each.txt: "{{#connectors}}{{token}} {{/connectors}}", "{{name}}.txt": "{{token}}"}
)";
  VolumeRequest request = Request({WithToken(OfClass(Named("a"), kForAll), "one"),
                                   WithToken(OfClass(Named("b"), kForAll), "two")},
                                  {"each"});
  request.token = Secret();
  EXPECT_EQ(FileOf(request, "each.txt"), "one two ");
  EXPECT_EQ(FileOf(request, "b.txt"), "two");
  EXPECT_EQ(FileOf(request, "token"), "no such file");
  request.configurations = {"own"};
  EXPECT_THAT(ErrorOf(request), HasSubstr("needs one token for all connectors, and each has its"));
  request.connectors[1].token = nullptr;
  request.configurations = {"each"};
  EXPECT_THAT(ErrorOf(request), HasSubstr("needs a token"));
}

TEST(RenderVolume, FindsAConfigurationByTheNameOfItsFile) {
  EXPECT_EQ(FileOf(Request({Plain()}, {"daemon.json"}), "daemon.json"),
            FileOf(Request({Plain()}, {"dockerd"}), "daemon.json"));
}

TEST(RenderVolume, LeavesOutAFileAndAFolder) {
  const VolumeRequest request =
      Request({Named("a", "r.example")},
              {"registry-config", "containerd", "!config.json", "!containerd/certs.d/r.example"});
  EXPECT_EQ(FileOf(request, "config.json"), "no such file");
  EXPECT_EQ(FileOf(request, "containerd/certs.d/r.example/hosts.toml"), "no such file");
  EXPECT_THAT(FileOf(request, "containerd/certs.d/c-a.default.svc.cluster.local/hosts.toml"),
              HasSubstr("server"));
}

TEST(RenderVolume, LetsBeLeftOutWhatIsNotThereOnEveryPlatform) {
  EXPECT_TRUE(
      RenderVolume(Request({Plain()}, {"dockerd", "!ca.crt", "!certs.d", "!certs.d/a/ca.crt"}))
          .has_value());
}

TEST(RenderVolume, TakesAParameterThatIsGivenAndTheDefaultOfOneThatIsNot) {
  VolumeRequest request = Request({OfClass(Plain(), kOwn)}, {"own"});
  request.params["proxy"] = "http://p\"}";
  EXPECT_EQ(FileOf(request, "own.json"), "{\"proxy\": \"http://p\\\"}\", \"level\": \"info\"}\n");
}

TEST(RenderVolume, SaysWhichParameterIsMissingAndWhereToGiveIt) {
  EXPECT_EQ(ErrorOf(Request({OfClass(Plain(), kOwn)}, {"own"})),
            "the configuration own needs the parameter proxy (where to go); give it in the volume "
            "attribute configuration.params: {\"proxy\": \"...\"}");
}

TEST(RenderVolume, MergesTheSameConfigurationOfTwoClasses) {
  VolumeRequest request = Request({OfClass(Named("a"), kOwn), OfClass(Named("b"), kOwn)}, {"own"});
  request.params["proxy"] = "p";
  EXPECT_TRUE(RenderVolume(request).has_value());
}

TEST(RenderVolume, OwnClassesNeedNoEnvironmentOfTheirOwn) {
  VolumeRequest request = Request({OfClass(Plain(), kOwn)}, {"own"});
  request.params["proxy"] = "p";
  EXPECT_THAT(FileOf(request, ".env"), HasSubstr("OCI_CONNECTOR_URLS='http://127.0.0.1:5080'"));
}

TEST(RenderVolume, WritesAFileForEachConnectorWhereItsPathNamesIt) {
  const char* text = R"(  - name: each
    files:
      "each/{{namespace}}-{{name}}.txt": "{{host}} of {{#connectors}}{{name}},{{/connectors}}"
)";
  VolumeRequest request = Request({OfClass(Named("a"), text), OfClass(Named("b"), text)}, {"each"});
  EXPECT_EQ(FileOf(request, "each/default-b.txt"), "c-b.default.svc.cluster.local of a,b,");
}

TEST(RenderVolume, GivesAConnectorOfThePathFormNoOtherName) {
  EXPECT_EQ(FileOf(Request({PathForm(Named("a"))}, {}), "config.json"),
            "{\n  \"auths\": {\n    \"c-a.default.svc.cluster.local\": {\"auth\": "
            "\"Y29ubmVjdG9yOmV5Si5hLmI=\"}\n  }\n}\n");
}

struct Refused {
  std::string_view name;
  VolumeRequest (*make)();
  std::string_view reason;

  friend void PrintTo(const Refused& row, std::ostream* os) { *os << row.name; }
};

VolumeRequest WithHost(const std::string& host) {
  VolumeConnector connector = Plain();
  connector.host = host;
  return Request({connector}, {});
}

VolumeRequest WithRef(const ConnectorRef& ref) {
  VolumeConnector connector = PathForm(Plain());
  connector.ref = ref;
  return Request({connector}, {});
}

VolumeRequest WithToken(std::string_view token) {
  VolumeRequest request = Request({Plain()}, {});
  request.token = Secret(token);
  return request;
}

VolumeRequest WithParam(const std::string& name, const std::string& value) {
  VolumeRequest request = Request({Plain()}, {"buildkitd"});
  request.params[name] = value;
  return request;
}

VolumeRequest WithCaFile(VolumeConnector connector, const std::string& path) {
  VolumeRequest request = Request({std::move(connector)}, {});
  request.ca_file = path;
  return request;
}

VolumeRequest TwoOfOneHost(bool tls) {
  VolumeConnector other = PathForm(Plain());
  other.ref.name = "other";
  other.tls = tls;
  return Request({PathForm(Plain()), other}, {});
}

VolumeRequest Own(const std::string& text) {
  return Request({OfClass(Plain(), text)}, {"own"});
}

class RenderVolumeRefuses : public ::testing::TestWithParam<Refused> {};

TEST_P(RenderVolumeRefuses, WithTheReason) {
  EXPECT_THAT(
      RenderVolume(GetParam().make()),
      HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr(std::string(GetParam().reason))));
}

INSTANTIATE_TEST_SUITE_P(
    Wrong,
    RenderVolumeRefuses,
    ::testing::Values(
        Refused{"NoConnector", [] { return Request({}, {}); }, "has 1 to 32 connectors"},
        Refused{"TooManyConnectors",
                [] { return Request(std::vector<VolumeConnector>(33, Plain()), {}); },
                "has 1 to 32 connectors"},
        Refused{"OneConnectorTwice",
                [] {
                  return Request({Plain(), Plain()}, {});
                },
                "connector default/harbor is named twice"},
        Refused{
            "OneHostWithAndWithoutTls", [] { return TwoOfOneHost(true); }, "with TLS and without"},
        Refused{"NoHost", [] { return WithHost(""); }, "the host must be"},
        Refused{"AScheme", [] { return WithHost("http://a"); }, "the host must be"},
        Refused{"APath", [] { return WithHost("a/b"); }, "the host must be"},
        Refused{"ATrailingSlash", [] { return WithHost("a/"); }, "the host must be"},
        Refused{"AQuote", [] { return WithHost("a\"b"); }, "the host must be"},
        Refused{"UpperCase", [] { return WithHost("Proxy:1"); }, "lower case"},
        Refused{"ANamespaceThatIsNoLabel",
                [] {
                  return WithRef({"a/b", "c"});
                },
                "NAMESPACE/NAME"},
        Refused{"AnEmptyName",
                [] {
                  return WithRef({"a", ""});
                },
                "NAMESPACE/NAME"},
        Refused{"AMirrorOfNoHost",
                [] { return Request({Mirror(Plain(), "https://a")}, {}); },
                "the upstream host must be"},
        Refused{"AMirrorOfItself",
                [] { return Request({Mirror(Plain(), Plain().host)}, {}); },
                "mirror of itself"},
        Refused{"ACaFileWithoutTls", [] { return WithCaFile(Plain(), "/ca"); }, "without TLS"},
        Refused{"ARelativeCaFile", [] { return WithCaFile(WithTls(), "ca"); }, "absolute path"},
        Refused{"ATokenWithASpace", [] { return WithToken("a b"); }, "visible ASCII"},
        Refused{"ATokenWithALineBreak", [] { return WithToken("a\n"); }, "visible ASCII"},
        Refused{"ATokenThatIsNotAscii", [] { return WithToken("\xC3\xA9"); }, "visible ASCII"},
        Refused{"NoTokenForAFileThatHoldsIt", [] { return WithToken(""); }, "needs a token"},
        Refused{"AnUnknownConfiguration",
                [] { return Request({Plain()}, {"dockr"}); },
                "\"dockr\" is not a configuration of the built-in class; known: registry-config"},
        Refused{"ALeftOutFileThatIsNone",
                [] { return Request({Plain()}, {"!confg.json"}); },
                "\"!confg.json\" leaves out nothing; the files are .env, address, config.json"},
        Refused{
            "AParameterOfAnotherConfiguration",
            [] { return WithParam("proxy", "p"); },
            "\"proxy\" is not a parameter of the chosen configurations; known: mirror, mountPath"},
        Refused{"ARelativeMountPath",
                [] { return WithParam("mountPath", "etc"); },
                "mountPath is not the absolute path"},
        Refused{"AMountPathThatClimbs",
                [] { return WithParam("mountPath", "/etc/../x"); },
                "mountPath is not the absolute path"},
        Refused{"TwoClassesWithDifferentConfigurations",
                [] {
                  VolumeConnector other = OfClass(Named("b"), kOwn);
                  other.class_name = "other";
                  std::string text = kOwn;
                  text.replace(text.find("default: info"), 13, "default: warn");
                  return Request({OfClass(Named("a"), text), other}, {"own"});
                },
                "the classes own and other of connector default/a and connector default/b have "
                "different configurations \"own\""},
        Refused{"AClassWithoutTheConfiguration",
                [] {
                  return Request({Named("a"), OfClass(Named("b"), kOwn)}, {"dockerd"});
                },
                "\"dockerd\" is not a configuration of the class own; known: own"},
        Refused{
            "APlainValueWithALineBreak",
            [] {
              VolumeRequest request = Own(
                  "  - name: own\n    params: [{name: p}]\n    files: {a.txt: '{{params.p}}'}\n");
              request.params["p"] = "a\nb";
              return request;
            },
            "the file \"a.txt\" of the configuration own cannot be written: params.p holds a "
            "control character"},
        Refused{"TwoConfigurationsWithDifferentFilesOfOneName",
                [] { return Own("  - name: own\n    files: {address: other}\n"); },
                "two configurations write different files \"address\""},
        Refused{"AFileWhereAFolderIs",
                [] { return Own("  - name: own\n    files: {a: x, a/b: x}\n"); },
                "\"a\" would be a file, and the folder of \"a/b\""},
        Refused{"ANameFromAConnectorThatIsNoPath",
                [] {
                  VolumeConnector connector =
                      OfClass(Plain(), "  - name: own\n    files: {'{{name}}/x': x}\n");
                  connector.ref.name = "../../etc";
                  return Request({connector}, {"own"});
                },
                "name holds a character that a file's name may not have"},
        Refused{"ANameFromAConnectorThatClimbs",
                [] {
                  VolumeConnector connector =
                      OfClass(Plain(), "  - name: own\n    files: {'{{name}}/x': x}\n");
                  connector.ref.name = "..";
                  return Request({connector}, {"own"});
                },
                "begins with .."},
        Refused{"MoreThanAVolumeHolds",
                [] {
                  std::vector<VolumeConnector> connectors;
                  for (int i = 0; i < 32; ++i) {
                    connectors.push_back(WithTls());
                    connectors.back().host = "h" + std::to_string(i);
                  }
                  VolumeRequest request = Request(connectors, {"dockerd"});
                  request.ca_bundle = std::string(std::size_t{32} * 1024, 'x');
                  return request;
                },
                "more than 524288 bytes"}),
    [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace connector::render
