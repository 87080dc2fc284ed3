#include "controller/app/options.h"

#include "tests/support/cpp/scratch_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

namespace connector::controller::app {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing_support::ReplaceFile;

class OptionsTest : public ::testing::Test {
 protected:
  // The smallest valid configuration; `changes` replaces the lines of some keys, or adds them.
  std::vector<std::string> Problems(const std::map<std::string, std::string>& changes) {
    std::map<std::string, std::string> lines = {
        {"adminAddress", "127.0.0.1:9480"},
        {"broker",
         "{address: \"broker:7443\", caFile: ca.crt, certificateFile: c.crt, keyFile: c.key}"},
        {"service", "{dataplane: {namespace: oci, name: dataplane}}"}};
    for (const auto& [key, value] : changes) {
      lines[key] = value;
    }
    std::string text;
    for (const auto& [key, value] : lines) {
      text += value.empty() ? "" : key + ": " + value + "\n";
    }
    ReplaceFile(dir_ / "controller.yaml", text);
    std::vector<std::string> texts;
    for (const config::Problem& problem : LoadOptions(dir_ / "controller.yaml", options_)) {
      texts.push_back(problem.path + ": " + problem.message);
    }
    return texts;
  }

  testing_support::ScratchDir dir_;
  ControllerOptions options_;
};

TEST_F(OptionsTest, HaveTheDefaultsOfTheReadme) {
  ASSERT_THAT(Problems({}), IsEmpty());

  EXPECT_EQ(options_.service.mode, service::Mode::kExternalName);
  EXPECT_EQ(options_.service.cluster_domain, "cluster.local");
  EXPECT_EQ(options_.service.http_port, 80);
  EXPECT_EQ(options_.service.https_port, std::nullopt);
  EXPECT_EQ(options_.lease_name, "connector-controller");
  EXPECT_EQ(options_.lease_times.lease_duration, seconds(15));
  EXPECT_EQ(options_.lease_times.renew_deadline, seconds(10));
  EXPECT_EQ(options_.lease_times.renew_period, seconds(5));
  EXPECT_EQ(options_.lease_times.retry_period, seconds(2));
  EXPECT_EQ(options_.probes.period, seconds(300));
  EXPECT_EQ(options_.probes.first_retry, seconds(15));
  EXPECT_EQ(options_.probes.concurrency, 16);
  EXPECT_EQ(options_.probe_rules.failure_threshold, 3);
  EXPECT_EQ(options_.probe_rules.broker_grace, seconds(120));
  EXPECT_EQ(options_.workers, 16);
  EXPECT_EQ(options_.broker_timeout, seconds(20));
}

TEST_F(OptionsTest, RefuseAnAddressThatTheServerWouldGuessAt) {
  EXPECT_THAT(Problems({{"adminAddress", "\":9480\""}}),
              ElementsAre(::testing::HasSubstr("adminAddress: must be IP:PORT")));
}

TEST_F(OptionsTest, AreCheckedAgainstTheMachine) {
  ASSERT_THAT(
      Problems({{"adminAddress", "192.0.2.1:0"}, {"kubernetes", "{kubeconfigFile: /not/there}"}}),
      IsEmpty());
  std::vector<std::string> paths;
  for (const config::Problem& problem : CheckMachine("f", options_)) {
    paths.push_back(problem.path);
  }
  EXPECT_THAT(paths,
              ElementsAre("adminAddress",
                          "kubernetes.kubeconfigFile",
                          "broker.certificateFile",
                          "broker.keyFile",
                          "broker.caFile"));
}

TEST_F(OptionsTest, TakeWhatIsWritten) {
  ASSERT_THAT(
      Problems({{"service",
                 "{dataplane: {namespace: oci, name: dataplane}, mode: endpoints, clusterDomain: "
                 "k8s.test, httpPort: 8080, httpsPort: 8443, urlScheme: https}"},
                {"kubernetes", "{kubeconfigFile: k.yaml, context: test}"},
                {"probes",
                 "{period: 1m, firstRetry: 1s, concurrency: 4, failureThreshold: 5, "
                 "brokerGrace: 10s}"},
                {"leaderElection",
                 "{name: lease, namespace: ns, leaseDuration: 6s, renewDeadline: 4s, renewPeriod: "
                 "2s, retryPeriod: 500ms}"},
                {"workers", "3"}}),
      IsEmpty());

  EXPECT_EQ(options_.service.mode, service::Mode::kEndpoints);
  EXPECT_EQ(options_.service.https_port, 8443);
  EXPECT_TRUE(options_.service.https_url);
  EXPECT_EQ(options_.kubeconfig_context, "test");
  EXPECT_EQ(options_.probe_rules.failure_threshold, 5);
  EXPECT_EQ(options_.lease_namespace, "ns");
  EXPECT_EQ(options_.lease_times.retry_period, std::chrono::milliseconds(500));
  EXPECT_EQ(options_.workers, 3);
}

TEST_F(OptionsTest, ListNoHttpPortBesideHttpsUnlessItIsWritten) {
  const auto http_port = [this](const std::string& rest) {
    options_ = {};
    EXPECT_THAT(Problems({{"service", "{dataplane: {namespace: oci, name: d}" + rest + "}"}}),
                IsEmpty());
    return options_.service.http_port;
  };

  EXPECT_EQ(http_port(", httpsPort: 443, urlScheme: https"), std::nullopt);
  EXPECT_EQ(http_port(", httpsPort: 443, urlScheme: https, httpPort: 80"), 80);
  EXPECT_EQ(http_port(", httpsPort: 443"), 80);
}

struct Refused {
  const char* name;
  const char* key;
  const char* value;
  const char* problem;

  friend void PrintTo(const Refused& row, std::ostream* os) { *os << row.name; }
};

class OptionsRefuse : public OptionsTest, public ::testing::WithParamInterface<Refused> {};

TEST_P(OptionsRefuse, WithASentence) {
  EXPECT_THAT(Problems({{GetParam().key, GetParam().value}}),
              ElementsAre(::testing::HasSubstr(GetParam().problem)));
}

INSTANTIATE_TEST_SUITE_P(
    Configurations,
    OptionsRefuse,
    ::testing::Values(
        Refused{"AnUnknownKey", "colour", "red", "colour: "},
        Refused{"NoService", "service", "", "service: "},
        Refused{"ANamespaceThatIsNone",
                "service",
                "{dataplane: {namespace: Oci, name: dataplane}}",
                "service.dataplane.namespace: must be one lower-case DNS label"},
        Refused{"AServiceNameThatIsNone",
                "service",
                "{dataplane: {namespace: oci, name: data.plane}}",
                "service.dataplane.name: must be one lower-case DNS label"},
        Refused{"AClusterDomainThatIsNone",
                "service",
                "{dataplane: {namespace: oci, name: d}, clusterDomain: .local}",
                "service.clusterDomain: must be lower-case DNS labels"},
        Refused{"APortThatIsNone",
                "service",
                "{dataplane: {namespace: oci, name: d}, httpPort: 65536}",
                "service.httpPort: must be at most 65535"},
        Refused{"TwoPortsOfOneNumber",
                "service",
                "{dataplane: {namespace: oci, name: d}, httpsPort: 80}",
                "service.httpsPort: must differ from httpPort"},
        Refused{"HttpsWithoutAPort",
                "service",
                "{dataplane: {namespace: oci, name: d}, urlScheme: https}",
                "service.urlScheme: https wants a service.httpsPort"},
        Refused{"AContextWithoutAFile",
                "kubernetes",
                "{context: test}",
                "kubernetes.context: is of a kubeconfigFile, which is missing"},
        Refused{"ALeaseThatIsShorterThanItsDeadline",
                "leaderElection",
                "{leaseDuration: 10s}",
                "leaderElection: leaseDuration must be longer than renewDeadline"},
        Refused{
            "ALeaseNameThatIsNone", "leaderElection", "{name: A}", "leaderElection.name: must be"},
        Refused{"ALeaseNamespaceThatIsNone",
                "leaderElection",
                "{namespace: A}",
                "leaderElection.namespace: must be"},
        Refused{"ARetryLongerThanThePeriod",
                "probes",
                "{period: 10s}",
                "probes.firstRetry: must be at most probes.period"},
        Refused{"ATimeThatIsTooShort", "probes", "{brokerGrace: 1ms}", "probes.brokerGrace: must"},
        Refused{"TooManyWorkers", "workers", "257", "workers: must be at most 256"},
        Refused{"ALevelThatIsNone", "logLevel", "loud", "logLevel: must be"}),
    [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace connector::controller::app
