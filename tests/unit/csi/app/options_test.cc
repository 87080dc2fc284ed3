#include "csi/app/options.h"

#include "tests/support/cpp/scratch_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace connector::csi::app {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;

class LoadOptionsTest : public ::testing::Test {
 protected:
  std::vector<config::Problem> Load(std::string_view text) {
    std::ofstream(directory_ / "csi.yaml") << text;
    return LoadOptions(directory_ / "csi.yaml", options_);
  }

  testing_support::ScratchDir directory_;
  CsiOptions options_;
};

constexpr std::string_view kLeast =
    "endpoint: unix:///csi/csi.sock\nnodeId: node-1\nadminAddress: 127.0.0.1:0\n";

TEST_F(LoadOptionsTest, HasADefaultForAllThatIsNotRequired) {
  EXPECT_THAT(Load(kLeast), IsEmpty());
  EXPECT_EQ(options_.socket_path, "/csi/csi.sock");
  EXPECT_EQ(options_.pods_directory, "/var/lib/kubelet/pods");
  EXPECT_EQ(options_.driver_name, "connector-csi.oci-connector.dev");
  EXPECT_THAT(options_.configurations, ElementsAre("registry-config"));
  EXPECT_EQ(options_.publish_timeout, std::chrono::seconds(30));
  EXPECT_FALSE(options_.tls);
}

TEST_F(LoadOptionsTest, ReadsTheNameThatOlderManifestsUse) {
  EXPECT_THAT(Load(std::string(kLeast) + "driverName: connectors-csi\n"), IsEmpty());
  EXPECT_EQ(options_.driver_name, "connectors-csi");
}

TEST_F(LoadOptionsTest, IsCheckedAgainstTheMachine) {
  const std::string here = directory_.path();
  const auto found = [&](const std::string& text) {
    EXPECT_THAT(Load(text + "nodeId: n\n"), IsEmpty());
    std::vector<std::string> paths;
    for (const config::Problem& problem : CheckMachine("f", options_)) {
      paths.push_back(problem.path);
    }
    return paths;
  };
  EXPECT_THAT(found("endpoint: unix://" + here + "/csi.sock\npodsDirectory: " + here +
                    "\nadminAddress: 127.0.0.1:0\n"),
              IsEmpty());
  EXPECT_THAT(
      found("endpoint: unix:///not/there/csi.sock\npodsDirectory: /not/there\n"
            "adminAddress: 192.0.2.1:0\nkubernetes: {kubeconfigFile: /not/there}\n"),
      ElementsAre("adminAddress", "kubernetes.kubeconfigFile", "podsDirectory", "endpoint"));
}

TEST_F(LoadOptionsTest, RefusesAnAddressThatTheServerWouldGuessAt) {
  EXPECT_THAT(Load("endpoint: unix:///csi/csi.sock\nnodeId: n\nadminAddress: \":9480\"\n"),
              ElementsAre(Field(&config::Problem::path, "adminAddress")));
}

struct Refused {
  std::string_view name;
  std::string_view text;  // Besides kLeast, or instead of it when it has an endpoint.
  std::string path;

  friend void PrintTo(const Refused& row, std::ostream* os) { *os << row.name; }
};

class LoadOptionsRefuses : public LoadOptionsTest, public ::testing::WithParamInterface<Refused> {};

TEST_P(LoadOptionsRefuses, AndNamesTheField) {
  const std::string_view text = GetParam().text;
  const bool whole = text.find("endpoint:") != std::string_view::npos;
  EXPECT_THAT(Load(whole ? std::string(text) : std::string(kLeast) + std::string(text)),
              ElementsAre(Field(&config::Problem::path, GetParam().path)));
}

INSTANTIATE_TEST_SUITE_P(
    Wrong,
    LoadOptionsRefuses,
    ::testing::Values(
        Refused{"ATcpEndpoint",
                "endpoint: tcp://0.0.0.0:1\nnodeId: n\nadminAddress: 127.0.0.1:0\n",
                "endpoint"},
        Refused{
            "NoNodeName", "endpoint: unix:///csi/csi.sock\nadminAddress: 127.0.0.1:0\n", "nodeId"},
        Refused{"ARelativePodsFolder", "podsDirectory: pods\n", "podsDirectory"},
        Refused{"APodsFolderInAnotherForm", "podsDirectory: /var/../pods\n", "podsDirectory"},
        Refused{"APodsFolderWithASlashBehind", "podsDirectory: /var/pods/\n", "podsDirectory"},
        Refused{"ADriverNameInUpperCase", "driverName: Connectors\n", "driverName"},
        Refused{"ADriverNameThatEndsInADot", "driverName: connectors.\n", "driverName"},
        Refused{"ACaThatIsNotThere", "dataplane: {caFile: /no/such/file}\n", "dataplane.caFile"},
        Refused{
            "ATimeoutThatIsTooLong", "defaults: {publishTimeout: 3m}\n", "defaults.publishTimeout"},
        Refused{"AnAudienceWithASpace", "audience: our connector\n", "audience"},
        Refused{"AnUnknownLevel", "logLevel: loud\n", "logLevel"},
        Refused{"AnUnknownKey", "podDirectory: /pods\n", "podDirectory"}),
    [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace connector::csi::app
