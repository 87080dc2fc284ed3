#include "tests/unit/cli/console_fixture.h"

#include <boost/json.hpp>
#include <gmock/gmock.h>

namespace connector::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kConnector = R"(apiVersion: oci-connector.dev/v1alpha1
kind: Connector
metadata: {name: harbor, namespace: default}
spec:
  connectorClassName: oci
  address: https://harbor.example.com
  auth: {name: tokenAuth, secretRef: {name: harbor-robot}}
  access:
  - from:
    - serviceAccount: {namespace: ci, name: builder}
    repositories: ["team-a/**"]
    actions: [pull, push]
)";

constexpr std::string_view kSecret = R"(apiVersion: v1
kind: Secret
metadata: {name: harbor-robot, namespace: default}
type: kubernetes.io/basic-auth
stringData: {username: robot, password: hush-hush}
)";

class Validate : public InDirectory {
 protected:
  std::string resources_ = Path("resources");

  Validate() {
    std::filesystem::create_directory(resources_);
    Write("resources/harbor.yaml", kConnector);
    Write("resources/secret.yaml", kSecret);
  }
};

TEST_F(Validate, NamesEachConnectorAndItsSecretClass) {
  const Outcome outcome = Connectorctl({"validate", resources_});
  EXPECT_EQ(outcome.code, kExitOk);
  EXPECT_EQ(outcome.out,
            "default/harbor  https://harbor.example.com  secret class derived\n"
            "ok: 1 connector, 1 secret, 0 configuration files\n");
}

TEST_F(Validate, RefusesToHaveReadNothingAndNamesWhatItSkipped) {
  const std::string empty = Path("empty");
  std::filesystem::create_directories(empty + "/below");
  Write("empty/a.json", "{}");
  Write("empty/b.YAML", kConnector);
  Write("empty/.hidden.yaml", kConnector);
  const Outcome outcome = Connectorctl({"validate", empty});
  EXPECT_EQ(outcome.code, kExitFailed);
  EXPECT_EQ(outcome.out,
            "not read: " + empty + "/a.json\nnot read: " + empty + "/b.YAML\nnot read: " + empty +
                "/below/\nnothing to validate: the paths hold no resource; of a directory *.yaml "
                "and *.yml are read, and no folder below it\n");
  const Outcome json = Connectorctl({"validate", empty, "-o", "json"});
  EXPECT_EQ(json.code, kExitFailed);
  EXPECT_THAT(json.out, AllOf(HasSubstr(R"("ok":false)"), HasSubstr("/below/")));
}

TEST_F(Validate, NamesWhatItSkippedBesideWhatIsSound) {
  Write("resources/README.md", "x");
  const Outcome outcome = Connectorctl({"validate", resources_});
  EXPECT_EQ(outcome.code, kExitOk);
  EXPECT_THAT(outcome.out, HasSubstr("not read: " + resources_ + "/README.md\ndefault/harbor"));
}

TEST_F(Validate, IsContentWithAClassAlone) {
  const std::string file = Write("class.yaml",
                                 "apiVersion: oci-connector.dev/v1alpha1\nkind: ConnectorClass\n"
                                 "metadata: {name: slow}\nspec: {}\n");
  EXPECT_EQ(Connectorctl({"validate", file}).code, kExitOk);
}

TEST_F(Validate, PrintsEveryProblemWithFileLineAndField) {
  std::string text(kConnector);
  text.replace(text.find("https://"), 8, "");
  text.replace(text.find("push"), 4, "psh");
  const std::string file = Write("resources/harbor.yaml", text);
  const Outcome outcome = Connectorctl({"validate", resources_});
  EXPECT_EQ(outcome.code, kExitFailed);
  EXPECT_THAT(outcome.out,
              AllOf(HasSubstr(file + ":6: spec.address: "),
                    HasSubstr(file + ":12: spec.access[0].actions[1]: "),
                    HasSubstr("\n2 problems\n")));
}

TEST_F(Validate, PrintsProblemsAsJsonForPrograms) {
  const std::string file = Write("resources/secret.yaml", "kind: 7\n");
  const Outcome outcome = Connectorctl({"validate", file, "-o", "json"});
  EXPECT_EQ(outcome.code, kExitFailed);
  const boost::json::value answer = boost::json::parse(outcome.out);
  EXPECT_EQ(answer.at("ok"), false);
  EXPECT_EQ(answer.at("problems").at(0).at("file"), boost::json::string(file));
  EXPECT_TRUE(answer.at("problems").at(0).at("line").is_int64());

  const Outcome good = Connectorctl({"validate", resources_ + "/harbor.yaml", "-ojson"});
  EXPECT_EQ(good.code, kExitUsage) << "-o wants its value apart";
}

TEST_F(Validate, NeverPrintsASecret) {
  const std::string file =
      Write("resources/secret.yaml", std::string(kSecret) + "data: {password: hush-hush}\n");
  const Outcome outcome = Connectorctl({"validate", resources_});
  EXPECT_EQ(outcome.code, kExitFailed);
  EXPECT_THAT(outcome.out + outcome.err, AllOf(HasSubstr(file), Not(HasSubstr("hush"))));
}

TEST_F(Validate, ChecksConfigurationFiles) {
  const std::string broker = Write("broker.yaml", "listenAddress: 127.0.0.1:7443\nbogus: 1\n");
  const Outcome outcome = Connectorctl({"validate", "--broker-config", broker});
  EXPECT_EQ(outcome.code, kExitFailed);
  EXPECT_THAT(outcome.out, AllOf(HasSubstr(broker + ":2: bogus: "), HasSubstr("adminAddress")));

  const std::string dataplane = Write("dataplane.yaml", R"(listeners: [{address: "127.0.0.1:5080"}]
adminAddress: 127.0.0.1:5081
broker: {address: "127.0.0.1:7443", caFile: ca.crt, certificateFile: a.crt, keyFile: a.key}
)");
  const Outcome good = Connectorctl({"validate", "--dataplane-config", dataplane});
  EXPECT_EQ(good.out, "ok: 0 connectors, 0 secrets, 1 configuration file\n");
  EXPECT_EQ(Connectorctl({"validate", "--broker-config", dataplane}).code, kExitFailed);
}

TEST_F(Validate, IsWrongUsageWithoutAnythingToCheck) {
  const auto refusal = [](std::vector<std::string_view> arguments) {
    arguments.insert(arguments.begin(), "validate");
    const Outcome outcome = Connectorctl(arguments);
    EXPECT_EQ(outcome.code, kExitUsage);
    return outcome.err;
  };
  const std::string none = Path("none");
  EXPECT_THAT(refusal({}), HasSubstr("nothing to validate"));
  EXPECT_THAT(refusal({none}), HasSubstr("none: no such file or directory"));
  EXPECT_THAT(refusal({resources_, "-o", "xml"}), HasSubstr("--output must be text or json"));
}

}  // namespace
}  // namespace connector::cli
