#include "common/base/encoding.h"
#include "tests/unit/common/render/volume_fixture.h"

#include <boost/json.hpp>
#include <gmock/gmock.h>

namespace connector::render {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// The files of the class `oci` for one connector and for several, as clients read them.

std::string TlsFile(const std::string& configuration, const std::string& path) {
  VolumeRequest request = Request({WithTls()}, {configuration});
  request.ca_bundle = "the CA\n";
  request.params["mountPath"] = "/etc/oci";
  return FileOf(request, path);
}

std::string MirrorFile(VolumeConnector connector,
                       const std::string& configuration,
                       const std::string& path) {
  VolumeRequest request = Request({std::move(connector)}, {configuration});
  request.params["mirror"] = "true";
  return FileOf(request, path);
}

std::vector<std::string> Paths(const VolumeRequest& request) {
  std::vector<std::string> out;
  const Result<Volume> volume = RenderVolume(request);
  for (const auto& [path, file] : *volume) {
    out.push_back(path);
  }
  return out;
}

TEST(BuiltIn, HasTheConfigurationsThatItsUsersKnow) {
  std::vector<std::string> names;
  for (const resource::Configuration& configuration : *BuiltInConfigurations()) {
    names.push_back(configuration.name);
  }
  EXPECT_THAT(names,
              ElementsAre("registry-config",
                          "auth",
                          "buildkitd",
                          "dockerd",
                          "containerd",
                          "registries",
                          "helm",
                          "regctl",
                          "env"));
}

TEST(ConfigJson, IsKeyedByTheAuthorityWithItsPortAndNamesANonEmptyUser) {
  const boost::json::value wanted = {
      {"auths", {{"127.0.0.1:5080", {{"auth", Base64Encode("connector:eyJ.a.b")}}}}}};
  for (const auto& [configuration, path] : {std::pair("registry-config", "config.json"),
                                            std::pair("docker-config", "config.json"),
                                            std::pair("auth", "auth.json"),
                                            std::pair("helm", "helm/registry/config.json")}) {
    EXPECT_EQ(boost::json::parse(FileOf(Request({Plain()}, {configuration}), path)), wanted);
  }
}

TEST(ConfigJson, IsOneForAllConnectorsOfAHost) {
  // docker and buildkit keep one credential per host: a key with a path would never be found.
  VolumeConnector other = PathForm(Plain());
  other.ref.name = "quay";
  EXPECT_EQ(FileOf(Request({PathForm(Plain()), other}, {}), "config.json"),
            FileOf(Request({Plain()}, {}), "config.json"));
}

TEST(ConfigJson, HoldsAllHostsOfAVolume) {
  boost::json::object auths;
  for (const std::string name : {"harbor", "quay"}) {
    for (const std::string domain : {".cluster.local", "", ".local"}) {
      auths["c-" + name + ".default.svc" + domain] = {{"auth", Base64Encode("connector:eyJ.a.b")}};
    }
  }
  EXPECT_EQ(
      boost::json::parse(FileOf(Request({Named("harbor"), Named("quay")}, {}), "config.json")),
      (boost::json::value{{"auths", auths}}));
}

TEST(BuildkitdToml, SaysHttpAloneOnAPlainListener) {
  EXPECT_EQ(FileOf(Request({Plain()}, {"buildkitd"}), "buildkitd.toml"),
            "[registry.\"127.0.0.1:5080\"]\n  http = true\n");
}

TEST(BuildkitdToml, TrustsTheCaOverTls) {
  EXPECT_EQ(TlsFile("buildkitd", "buildkitd.toml"),
            "[registry.\"proxy.example.com\"]\n  ca = [\"/etc/oci/ca.crt\"]\n");
}

TEST(BuildkitdToml, MirrorsThroughTheConnectorsPathWhereThatIsAskedFor) {
  const VolumeConnector connector = Mirror(PathForm(Plain()), "docker.io");
  EXPECT_EQ(MirrorFile(connector, "buildkitd", "buildkitd.toml"),
            "[registry.\"docker.io\"]\n"
            "  mirrors = [\"127.0.0.1:5080/namespaces/default/connectors/harbor\"]\n\n"
            "[registry.\"127.0.0.1:5080\"]\n  http = true\n");
  EXPECT_THAT(FileOf(Request({connector}, {"buildkitd"}), "buildkitd.toml"),
              Not(HasSubstr("mirrors")));
}

TEST(BuildkitdToml, HasOneTableForEachRegistryThatSeveralConnectorsServe) {
  VolumeRequest request =
      Request({Named("a", "docker.io"), Named("b", "docker.io")}, {"buildkitd"});
  request.params["mirror"] = "true";
  EXPECT_EQ(FileOf(request, "buildkitd.toml"),
            "[registry.\"docker.io\"]\n"
            "  mirrors = [\"c-a.default.svc.cluster.local\"]\n\n"
            "[registry.\"c-a.default.svc.cluster.local\"]\n  http = true\n"
            "[registry.\"c-a.default.svc\"]\n  http = true\n"
            "[registry.\"c-a.default.svc.local\"]\n  http = true\n"
            "[registry.\"c-b.default.svc.cluster.local\"]\n  http = true\n"
            "[registry.\"c-b.default.svc\"]\n  http = true\n"
            "[registry.\"c-b.default.svc.local\"]\n  http = true\n");
}

TEST(DaemonJson, ListsPlainListenersAsInsecure) {
  const boost::json::value wanted = {{"insecure-registries",
                                      boost::json::array{"127.0.0.1:5080",
                                                         "c-quay.default.svc.cluster.local",
                                                         "c-quay.default.svc",
                                                         "c-quay.default.svc.local"}}};
  EXPECT_EQ(boost::json::parse(
                FileOf(Request({Plain(), WithTls(), Named("quay")}, {"dockerd"}), "daemon.json")),
            wanted);
}

TEST(DaemonJson, WeakensNothingOverTls) {
  EXPECT_EQ(boost::json::parse(TlsFile("dockerd", "daemon.json")), boost::json::object());
}

TEST(DaemonJson, NeverMirrorsBecauseDockerdWouldSendItTheCredentialOfDockerHub) {
  EXPECT_EQ(FileOf(Request({Mirror(Plain(), "docker.io")}, {"dockerd"}), "daemon.json"),
            FileOf(Request({Plain()}, {"dockerd"}), "daemon.json"));
}

TEST(CertsD, HoldsTheCaUnderEachNameOfAConnector) {
  VolumeConnector connector = Named("a");
  connector.host = "c-a.default.svc.corp.internal:8443";
  connector.tls = true;
  VolumeRequest request = Request({connector}, {"dockerd"});
  request.ca_bundle = "the CA\n";
  for (const std::string domain : {".corp.internal", "", ".local", ".cluster.local"}) {
    EXPECT_EQ(FileOf(request, "certs.d/c-a.default.svc" + domain + ":8443/ca.crt"), "the CA\n");
  }
}

TEST(CertsD, HoldsTheCaWhereDockerAndPodmanLookAndIsAbsentWithoutOne) {
  for (const char* configuration : {"dockerd", "registries"}) {
    EXPECT_EQ(TlsFile(configuration, "certs.d/proxy.example.com/ca.crt"), "the CA\n");
    EXPECT_EQ(FileOf(Request({WithTls()}, {configuration}), "certs.d/proxy.example.com/ca.crt"),
              "no such file");
  }
  VolumeConnector port = WithTls();
  port.host = "proxy:8443";
  VolumeRequest request = Request({port, Plain()}, {"dockerd", "!address", "!token"});
  request.ca_bundle = "the CA\n";
  EXPECT_THAT(Paths(request),
              ElementsAre(".env",
                          "ca.crt",
                          "certs.d/proxy:8443/ca.crt",
                          "connector.status.proxyAddress",
                          "context.token",
                          "daemon.json"));
}

TEST(HostsToml, NamesTheDataPlaneAsHostAndAsServerSoThatNothingGoesToTheOrigin) {
  EXPECT_EQ(FileOf(Request({PathForm(Plain())}, {"containerd"}),
                   "containerd/certs.d/127.0.0.1_5080_/hosts.toml"),
            "server = \"http://127.0.0.1:5080\"\n"
            "capabilities = [\"pull\", \"resolve\", \"push\"]\n"
            "\n"
            "[host.\"http://127.0.0.1:5080\"]\n"
            "capabilities = [\"pull\", \"resolve\", \"push\"]\n");
}

TEST(HostsToml, TrustsTheCaOverTls) {
  EXPECT_EQ(TlsFile("containerd", "containerd/certs.d/proxy.example.com/hosts.toml"),
            "server = \"https://proxy.example.com\"\n"
            "capabilities = [\"pull\", \"resolve\", \"push\"]\n"
            "ca = \"/etc/oci/ca.crt\"\n"
            "\n"
            "[host.\"https://proxy.example.com\"]\n"
            "capabilities = [\"pull\", \"resolve\", \"push\"]\n"
            "ca = \"/etc/oci/ca.crt\"\n");
}

TEST(HostsToml, OfAMirrorSendsTheTokenInAHeaderAndPutsThePathBelowTheApiRoot) {
  const std::string header =
      "Authorization = \"Basic " + Base64Encode("connector:eyJ.a.b") + "\"\n";
  const std::string url = "http://127.0.0.1:5080/v2/namespaces/default/connectors/harbor";
  const std::string settings =
      "capabilities = [\"pull\", \"resolve\", \"push\"]\noverride_path = true\n";
  const VolumeConnector connector = Mirror(PathForm(Plain()), "harbor.example.com:8443");
  const std::string path = "containerd/certs.d/harbor.example.com_8443_/hosts.toml";
  EXPECT_EQ(FileOf(Request({connector}, {"containerd"}), path),
            "server = \"" + url + "\"\n" + settings + "\n[header]\n" + header + "\n[host.\"" + url +
                "\"]\n" + settings + "\n[host.\"" + url + "\".header]\n" + header);
}

TEST(HostsToml, OfAMirrorNeedsNoPathInTheHostForm) {
  const std::string text = FileOf(Request({Named("a", "r.example")}, {"containerd"}),
                                  "containerd/certs.d/r.example/hosts.toml");
  EXPECT_THAT(text, HasSubstr("server = \"http://c-a.default.svc.cluster.local\"\n"));
  EXPECT_THAT(text, Not(HasSubstr("override_path")));
}

TEST(HostsToml, OfARegistryThatSeveralConnectorsServeIsTheFirstConnectors) {
  EXPECT_THAT(FileOf(Request({Named("b", "r.example"), Named("a", "r.example")}, {"containerd"}),
                     "containerd/certs.d/r.example/hosts.toml"),
              HasSubstr("server = \"http://c-b.default.svc.cluster.local\""));
}

TEST(RegistriesConf, IsInsecureOnlyOnAPlainListener) {
  EXPECT_EQ(FileOf(Request({Plain(), WithTls()}, {"registries"}), "registries.conf"),
            "[[registry]]\nlocation = \"127.0.0.1:5080\"\ninsecure = true\n\n"
            "[[registry]]\nlocation = \"proxy.example.com\"\n");
}

TEST(RegistriesConf, RemapsAMirroredRegistryWithoutFallback) {
  EXPECT_THAT(MirrorFile(Mirror(PathForm(Plain()), "docker.io"), "registries", "registries.conf"),
              HasSubstr("[[registry]]\n"
                        "prefix = \"docker.io\"\n"
                        "location = \"127.0.0.1:5080/namespaces/default/connectors/harbor\"\n"
                        "insecure = true\n"));
}

TEST(RegctlJson, LeavesTlsAwayOnlyOnAPlainListener) {
  const boost::json::value wanted = {
      {"hosts",
       {{"127.0.0.1:5080", {{"tls", "disabled"}}}, {"proxy.example.com", {{"tls", "enabled"}}}}}};
  EXPECT_EQ(boost::json::parse(FileOf(Request({Plain(), WithTls()}, {"regctl"}), "regctl.json")),
            wanted);
}

TEST(Environment, IsInEveryVolumeAndHoldsNoToken) {
  VolumeRequest request = Request({WithTls(), PathForm(Plain())}, {"dockerd"});
  request.ca_bundle = "the CA\n";
  EXPECT_EQ(FileOf(request, ".env"),
            "OCI_CONNECTOR_ADDRESSES='proxy.example.com "
            "127.0.0.1:5080/namespaces/default/connectors/harbor'\n"
            "OCI_CONNECTOR_URLS='https://proxy.example.com http://127.0.0.1:5080'\n"
            "OCI_CONNECTOR_TOKEN_FILE='/etc/oci-connector/token'\n"
            "OCI_CONNECTOR_CA_FILE='/etc/oci-connector/ca.crt'\n");
  EXPECT_FALSE(RenderVolume(request)->at(".env").holds_token);
}

}  // namespace
}  // namespace connector::render
