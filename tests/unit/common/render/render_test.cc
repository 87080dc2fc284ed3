#include "common/render/render.h"

#include "common/base/encoding.h"
#include "tests/support/result_matchers.h"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>

namespace connector::render {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing_support::HasError;
using testing_support::HasErrorMessage;

// What every plain target below starts from: the address of a laptop's data plane.
Target Plain() {
  Target target;
  target.authority = "127.0.0.1:5080";
  return target;
}

Target WithTls() {
  Target target;
  target.authority = "proxy.example.com";
  target.tls = true;
  target.ca_file = "/etc/oci/ca.crt";
  return target;
}

Target Mirror(Target target, std::string_view upstream) {
  target.mirror_of = upstream;
  return target;
}

Target PathForm(Target target) {
  target.path_form = ConnectorRef{"default", "harbor"};
  return target;
}

TEST(RenderCredential, IsKeyedByTheAuthorityWithItsPortAndNamesANonEmptyUser) {
  const Result<Secret> file = RenderCredential(Plain(), Secret("eyJ.a.b"));

  ASSERT_TRUE(file.has_value());
  const boost::json::value wanted = {
      {"auths", {{"127.0.0.1:5080", {{"auth", Base64Encode("connector:eyJ.a.b")}}}}}};
  EXPECT_EQ(boost::json::parse(file->Reveal()), wanted);
}

TEST(RenderCredential, IsOneForAllConnectorsOfAHost) {
  // docker and buildkit keep one credential per host: a key with a path would never be found.
  EXPECT_EQ(RenderCredential(PathForm(Plain()), Secret("t"))->Reveal(),
            RenderCredential(Plain(), Secret("t"))->Reveal());
}

TEST(RenderCredential, RefusesATokenThatBreaksAHeader) {
  for (const char* token : {"", "a b", "a\nb", "a\r", "\xC3\xA9", "\x7F"}) {
    EXPECT_THAT(RenderCredential(Plain(), Secret(token)), HasError(ErrorCode::kInvalidArgument));
    EXPECT_THAT(RenderMirrorHostsToml(Mirror(Plain(), "r.example"), Secret(token)),
                HasError(ErrorCode::kInvalidArgument));
  }
}

TEST(BuildkitdToml, SaysHttpAloneOnAPlainListener) {
  EXPECT_EQ(RenderConfiguration(Format::kBuildkitdToml, Plain()),
            "[registry.\"127.0.0.1:5080\"]\n  http = true\n");
}

TEST(BuildkitdToml, TrustsTheCaOverTls) {
  EXPECT_EQ(RenderConfiguration(Format::kBuildkitdToml, WithTls()),
            "[registry.\"proxy.example.com\"]\n  ca = [\"/etc/oci/ca.crt\"]\n");
}

TEST(BuildkitdToml, MirrorsThroughTheConnectorsPath) {
  EXPECT_THAT(RenderConfiguration(Format::kBuildkitdToml, Mirror(PathForm(Plain()), "docker.io")),
              HasSubstr("[registry.\"docker.io\"]\n"
                        "  mirrors = [\"127.0.0.1:5080/namespaces/default/connectors/harbor\"]\n\n"
                        "[registry.\"127.0.0.1:5080\"]\n  http = true\n"));
}

TEST(DaemonJson, ListsAPlainListenerAsInsecure) {
  const boost::json::value wanted = {{"insecure-registries", boost::json::array{"127.0.0.1:5080"}}};
  EXPECT_EQ(boost::json::parse(RenderConfiguration(Format::kDaemonJson, Plain())), wanted);
}

TEST(DaemonJson, WeakensNothingOverTls) {
  EXPECT_EQ(boost::json::parse(RenderConfiguration(Format::kDaemonJson, WithTls())),
            boost::json::object());
}

TEST(DaemonJson, NeverMirrorsBecauseDockerdWouldSendItTheCredentialOfDockerHub) {
  EXPECT_EQ(RenderConfiguration(Format::kDaemonJson, Mirror(Plain(), "docker.io")),
            RenderConfiguration(Format::kDaemonJson, Plain()));
}

TEST(HostsToml, NamesTheDataPlaneAsHostAndAsServerSoThatNothingGoesToTheOrigin) {
  EXPECT_EQ(RenderConfiguration(Format::kHostsToml, Plain()),
            "server = \"http://127.0.0.1:5080\"\n"
            "capabilities = [\"pull\", \"resolve\", \"push\"]\n"
            "\n"
            "[host.\"http://127.0.0.1:5080\"]\n"
            "capabilities = [\"pull\", \"resolve\", \"push\"]\n");
}

TEST(HostsToml, TrustsTheCaOverTls) {
  EXPECT_EQ(RenderConfiguration(Format::kHostsToml, WithTls()),
            "server = \"https://proxy.example.com\"\n"
            "capabilities = [\"pull\", \"resolve\", \"push\"]\n"
            "ca = \"/etc/oci/ca.crt\"\n"
            "\n"
            "[host.\"https://proxy.example.com\"]\n"
            "capabilities = [\"pull\", \"resolve\", \"push\"]\n"
            "ca = \"/etc/oci/ca.crt\"\n");
}

TEST(HostsToml, PutsTheConnectorsPathBelowTheApiRootOfAMirror) {
  const std::string text =
      RenderConfiguration(Format::kHostsToml, Mirror(PathForm(Plain()), "harbor.example.com"));
  EXPECT_THAT(text,
              HasSubstr("[host.\"http://127.0.0.1:5080/v2/namespaces/default/connectors/harbor\"]\n"
                        "capabilities = [\"pull\", \"resolve\", \"push\"]\n"
                        "override_path = true\n"));
}

TEST(HostsToml, LeavesThePathOfARenamedImageToItsReference) {
  EXPECT_THAT(RenderConfiguration(Format::kHostsToml, PathForm(Plain())),
              Not(HasSubstr("override_path")));
}

TEST(MirrorHostsToml, SendsTheTokenInAHeader) {
  const std::string header =
      "Authorization = \"Basic " + Base64Encode("connector:eyJ.a.b") + "\"\n";
  const auto file = RenderMirrorHostsToml(Mirror(Plain(), "harbor.example.com"), Secret("eyJ.a.b"));

  ASSERT_TRUE(file.has_value());
  EXPECT_EQ(file->Reveal(),
            "server = \"http://127.0.0.1:5080\"\n"
            "capabilities = [\"pull\", \"resolve\", \"push\"]\n"
            "\n[header]\n" +
                header +
                "\n[host.\"http://127.0.0.1:5080\"]\n"
                "capabilities = [\"pull\", \"resolve\", \"push\"]\n"
                "\n[host.\"http://127.0.0.1:5080\".header]\n" +
                header);
}

TEST(RegistriesConf, IsInsecureOnlyOnAPlainListener) {
  EXPECT_EQ(RenderConfiguration(Format::kRegistriesConf, Plain()),
            "[[registry]]\nlocation = \"127.0.0.1:5080\"\ninsecure = true\n");
  EXPECT_EQ(RenderConfiguration(Format::kRegistriesConf, WithTls()),
            "[[registry]]\nlocation = \"proxy.example.com\"\n");
}

TEST(RegistriesConf, RemapsAMirroredRegistryWithoutFallback) {
  EXPECT_THAT(RenderConfiguration(Format::kRegistriesConf, Mirror(PathForm(Plain()), "docker.io")),
              HasSubstr("[[registry]]\n"
                        "prefix = \"docker.io\"\n"
                        "location = \"127.0.0.1:5080/namespaces/default/connectors/harbor\"\n"
                        "insecure = true\n"));
}

TEST(RegctlJson, LeavesTlsAwayOnlyOnAPlainListener) {
  const auto host = [](std::string_view authority, std::string_view tls) {
    return boost::json::value{{"hosts", {{authority, {{"tls", tls}}}}}};
  };
  EXPECT_EQ(boost::json::parse(RenderConfiguration(Format::kRegctlJson, Plain())),
            host("127.0.0.1:5080", "disabled"));
  EXPECT_EQ(boost::json::parse(RenderConfiguration(Format::kRegctlJson, WithTls())),
            host("proxy.example.com", "enabled"));
}

TEST(RegctlJson, NeverMirrorsBecauseRegctlWouldFallBackToTheRegistry) {
  EXPECT_EQ(RenderConfiguration(Format::kRegctlJson, Mirror(Plain(), "docker.io")),
            RenderConfiguration(Format::kRegctlJson, Plain()));
}

TEST(RenderConfiguration, EscapesWhatWouldEndAString) {
  Target target = WithTls();
  target.ca_file = "/a\"b\\c\n\x7F";
  EXPECT_THAT(RenderConfiguration(Format::kBuildkitdToml, target),
              HasSubstr(R"(ca = ["/a\"b\\c\u000a\u007f"])"));
}

TEST(RelativePath, IsWhereContainerdLooks) {
  EXPECT_EQ(RelativePath(Format::kHostsToml, Plain()),
            "containerd/certs.d/127.0.0.1_5080_/hosts.toml");
  EXPECT_EQ(RelativePath(Format::kHostsToml, Mirror(Plain(), "harbor.example.com")),
            "containerd/certs.d/harbor.example.com/hosts.toml");
  Target six = Plain();
  six.authority = "[::1]";
  EXPECT_EQ(RelativePath(Format::kHostsToml, six), "containerd/certs.d/[::1]/hosts.toml");
  EXPECT_EQ(RelativePath(Format::kConfigJson, Plain()), "config.json");
}

TEST(RelativeCaPath, KeepsThePortAsDockerAndPodmanDo) {
  EXPECT_EQ(RelativeCaPath(Plain()), "certs.d/127.0.0.1:5080/ca.crt");
}

TEST(Format, IsFoundByTheNameThatItHas) {
  for (const Format format : kFormats) {
    EXPECT_EQ(FormatFromName(Name(format)), format);
  }
  EXPECT_EQ(FormatFromName("config"), std::nullopt);
}

struct Refused {
  std::string_view name;
  Target target;
  std::string_view reason;

  friend void PrintTo(const Refused& row, std::ostream* os) { *os << row.name; }
};

Target Changed(void (*change)(Target&)) {
  Target target = Plain();
  change(target);
  return target;
}

class MakeTargetRefuses : public ::testing::TestWithParam<Refused> {};

TEST_P(MakeTargetRefuses, WithTheReason) {
  EXPECT_THAT(
      MakeTarget(GetParam().target),
      HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr(std::string(GetParam().reason))));
}

INSTANTIATE_TEST_SUITE_P(
    Wrong,
    MakeTargetRefuses,
    ::testing::Values(
        Refused{"NoHost", Changed([](Target& given) { given.authority = ""; }), "the host must be"},
        Refused{"AScheme",
                Changed([](Target& given) { given.authority = "http://a"; }),
                "the host must be"},
        Refused{
            "APath", Changed([](Target& given) { given.authority = "a/b"; }), "the host must be"},
        Refused{"ATrailingSlash",
                Changed([](Target& given) { given.authority = "a/"; }),
                "the host must"},
        Refused{
            "AQuote", Changed([](Target& given) { given.authority = "a\"b"; }), "the host must be"},
        Refused{
            "UpperCase", Changed([](Target& given) { given.authority = "Proxy:1"; }), "lower case"},
        Refused{"ANamespaceThatIsNoLabel",
                Changed([](Target& given) {
                  given.path_form = ConnectorRef{"a/b", "c"};
                }),
                "NAMESPACE/NAME"},
        Refused{"AnEmptyName",
                Changed([](Target& given) {
                  given.path_form = ConnectorRef{"a", ""};
                }),
                "NAMESPACE/NAME"},
        Refused{"ANameThatEndsWithADash",
                Changed([](Target& given) {
                  given.path_form = ConnectorRef{"a", "b-"};
                }),
                "NAMESPACE/NAME"},
        Refused{
            "ACaWithoutTls", Changed([](Target& given) { given.ca_file = "/ca"; }), "without TLS"},
        Refused{"ARelativeCa",
                Changed([](Target& given) {
                  given.tls = true;
                  given.ca_file = "ca.crt";
                }),
                "absolute path"},
        Refused{"AMirrorOfNoHost",
                Changed([](Target& given) { given.mirror_of = "https://a"; }),
                "the upstream host"},
        Refused{"AMirrorOfItself",
                Changed([](Target& given) { given.mirror_of = given.authority; }),
                "mirror of itself"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(MakeTarget, KeepsWhatIsRight) {
  const Result<Target> target = MakeTarget(Mirror(PathForm(WithTls()), "harbor.example.com:8443"));
  ASSERT_TRUE(target.has_value());
  EXPECT_EQ(target->ReferencePrefix(), "proxy.example.com/namespaces/default/connectors/harbor");
}

}  // namespace
}  // namespace connector::render
