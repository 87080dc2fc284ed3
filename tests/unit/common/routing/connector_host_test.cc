#include "common/routing/connector_host.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

namespace connector::routing {
namespace {

const std::vector<std::string> kSuffixes = {"corp.example.com"};

struct HostRow {
  std::string name;
  std::string host;
  HostReading reading;

  friend void PrintTo(const HostRow& row, std::ostream* os) { *os << row.name; }
};

HostRow Names(const std::string& name,
              const std::string& host,
              const ConnectorRef& ref = {"default", "harbor"}) {
  return {name, host, ref};
}

const std::string kLongLabel(63, 'a');
// As long as a host may be, and one byte longer.
const std::string kLongDomain = std::string(60, 'b') + "." + kLongLabel + "." + kLongLabel + "." +
                                std::string(253 - 20 - 61 - 64 - 64 - 1, 'c');

class ReadConnectorHostReads : public ::testing::TestWithParam<HostRow> {};

TEST_P(ReadConnectorHostReads, TheHostForm) {
  EXPECT_EQ(ReadConnectorHost(GetParam().host, kSuffixes), GetParam().reading);
}

INSTANTIATE_TEST_SUITE_P(
    AConnectorsHost,
    ReadConnectorHostReads,
    ::testing::Values(Names("WithoutADomain", "c-harbor.default.svc"),
                      Names("OfTheOlderProduct", "c-harbor.default.svc.local"),
                      Names("OfACluster", "c-harbor.default.svc.cluster.local"),
                      Names("OfAnyDomain", "c-harbor.default.svc.corp.internal"),
                      Names("OfADomainOfOneLetter", "c-harbor.default.svc.x"),
                      Names("BelowASuffix", "c-harbor.default.corp.example.com"),
                      Names("InAnyCase", "C-Harbor.Default.SVC.Local"),
                      Names("WithAPort", "c-harbor.default.svc.local:5000"),
                      Names("WithAnEmptyPort", "c-harbor.default.svc:"),
                      Names("WithAFinalDot", "c-harbor.default.svc.local."),
                      Names("WithAFinalDotAndAPort", "c-harbor.default.svc.:80"),
                      Names("NamedAsAPrefix", "c-c-x.default.svc", {"default", "c-x"}),
                      Names("NamedSvc", "c-svc.svc.svc.svc", {"svc", "svc"}),
                      Names("OfANamespaceLikeAConnectors", "c-a.c-b.svc", {"c-b", "a"}),
                      Names("WithDashes", "c-a--b-0.n--s.svc", {"n--s", "a--b-0"}),
                      Names("NamedByDigits", "c-0.1.svc", {"1", "0"}),
                      Names("WithTheLongestName",
                            "c-" + kLongLabel.substr(2) + "." + kLongLabel + ".svc",
                            {kLongLabel, kLongLabel.substr(2)}),
                      Names("OfTheGreatestLength", "c-harbor.default.svc" + ("." + kLongDomain))),
    [](const auto& row) { return row.param.name; });

INSTANTIATE_TEST_SUITE_P(
    NoConnectorsHost,
    ReadConnectorHostReads,
    ::testing::Values(
        HostRow{"AnAddress", "127.0.0.1:5000", HostProblem::kForeign},
        HostRow{"AnIpv6Address", "[::1]:5000", HostProblem::kForeign},
        HostRow{"ANode", "node-1.example.com", HostProblem::kForeign},
        HostRow{"Nothing", "", HostProblem::kForeign},
        HostRow{"WithoutThePrefix", "harbor.default.svc", HostProblem::kNoPrefix},
        HostRow{"WithMoreInFront", "x.c-harbor.default.svc", HostProblem::kNoPrefix},
        HostRow{"WithAnEmptyName", "c-.default.svc", HostProblem::kNoName},
        HostRow{"TheShortName", "c-harbor", HostProblem::kNoNamespace},
        HostRow{"WithoutANamespace", "c-harbor.svc", HostProblem::kNoNamespace},
        HostRow{
            "WithADomainForANamespace", "c-harbor.svc.cluster.local", HostProblem::kNoNamespace},
        HostRow{"WithoutSvc", "c-harbor.default", HostProblem::kNoService},
        HostRow{"OfAForeignDomain", "c-harbor.default.example.com", HostProblem::kNoService},
        HostRow{"WithTwoNamespaces", "c-harbor.default.other.svc", HostProblem::kNoService},
        HostRow{"WithALongerSvc", "c-harbor.default.svcx.local", HostProblem::kNoService},
        HostRow{"WithSvcCutOff", "c-harbor.default.sv", HostProblem::kNoService},
        HostRow{"BelowASuffixesEnd", "c-harbor.default.example.com.", HostProblem::kNoService},
        HostRow{
            "BelowMoreThanASuffix", "c-harbor.default.x.corp.example.com", HostProblem::kNoService},
        HostRow{"WithAnEmptyNamespace", "c-harbor..svc", HostProblem::kLabel},
        HostRow{"WithAnEmptyDomain", "c-x.default.svc..local", HostProblem::kLabel},
        HostRow{"WithTwoFinalDots", "c-harbor.default.svc..", HostProblem::kLabel},
        HostRow{"WithAnUnderscore", "c-har_bor.default.svc", HostProblem::kLabel},
        HostRow{"WithAnUnderscoreInTheDomain", "c-harbor.default.svc.a_b", HostProblem::kLabel},
        HostRow{"WithADashAtTheNamesBegin", "c--harbor.default.svc", HostProblem::kLabel},
        HostRow{"WithADashAtTheNamesEnd", "c-harbor-.default.svc", HostProblem::kLabel},
        HostRow{"WithADashAtTheDomainsEnd", "c-harbor.default.svc.a-", HostProblem::kLabel},
        HostRow{"WithASlash", "c-harbor.default.svc/x", HostProblem::kLabel},
        HostRow{"WithAnEscape", "c-harbor%2edefault.x.svc", HostProblem::kLabel},
        HostRow{"WithALetterBeyondAscii", "c-h\xc3\xa4rbor.default.svc", HostProblem::kLabel},
        HostRow{"WithANullByte", std::string("c-a\0.b.svc", 10), HostProblem::kLabel},
        HostRow{"WithAPortThatIsNone", "c-harbor.default.svc:80.evil", HostProblem::kLabel},
        HostRow{"WithTwoPorts", "c-harbor.default.svc:80:81", HostProblem::kLabel},
        HostRow{"WithALongPort", "c-harbor.default.svc:100000", HostProblem::kLabel},
        HostRow{"WithANameThatIsTooLong",
                "c-" + kLongLabel.substr(1) + ".default.svc",
                HostProblem::kLabel},
        HostRow{"WithANamespaceThatIsTooLong", "c-a." + kLongLabel + "a.svc", HostProblem::kLabel},
        HostRow{
            "WithADomainThatIsTooLong", "c-a.default.svc." + kLongLabel + "a", HostProblem::kLabel},
        HostRow{
            "ThatIsTooLong", "c-harbor.default.svc." + kLongDomain + "c", HostProblem::kTooLong}),
    [](const auto& row) { return row.param.name; });

TEST(Sentence, SaysWhatToWriteAndNothingOfTheHost) {
  for (const HostProblem problem : {HostProblem::kForeign,
                                    HostProblem::kNoPrefix,
                                    HostProblem::kNoName,
                                    HostProblem::kNoNamespace,
                                    HostProblem::kNoService,
                                    HostProblem::kLabel,
                                    HostProblem::kTooLong}) {
    EXPECT_THAT(std::string(Sentence(problem)), ::testing::StartsWith("No connector is named; "));
  }
}

TEST(ACertifiedHost, HasAWholeSuffixBehindTheNamespace) {
  const std::vector<std::string> certified = CertifiedSuffixes({"corp.example.com", "svc"});
  EXPECT_THAT(certified,
              ::testing::ElementsAre("svc", "svc.local", "svc.cluster.local", "corp.example.com"));
  const ConnectorRef harbor{"default", "harbor"};
  for (const std::string& suffix : certified) {
    EXPECT_EQ(ConnectorOfCertifiedHost("c-harbor.default." + suffix, certified), harbor);
  }
  // Any domain names the connector; but each name costs a certificate.
  for (const char* const host : {"c-harbor.default.svc.corp.internal",
                                 "c-harbor.default.svc.svc",
                                 "c-harbor.default.x.svc",
                                 "c-harbor.default",
                                 "c-.default.svc",
                                 "harbor.default.svc",
                                 "c-harbor.default.svc:x"}) {
    EXPECT_EQ(ConnectorOfCertifiedHost(host, certified), std::nullopt) << host;
  }
}

TEST(NamesOfHost, AreItsOwnAndThoseThatUsersAreTold) {
  EXPECT_THAT(NamesOfHost("c-a.ns.svc.corp.internal:5000"),
              ::testing::ElementsAre("c-a.ns.svc.corp.internal:5000",
                                     "c-a.ns.svc:5000",
                                     "c-a.ns.svc.local:5000",
                                     "c-a.ns.svc.cluster.local:5000"));
  EXPECT_THAT(NamesOfHost("c-a.ns.svc"),
              ::testing::ElementsAre("c-a.ns.svc", "c-a.ns.svc.local", "c-a.ns.svc.cluster.local"));
  EXPECT_THAT(NamesOfHost("proxy.example.com:5000"),
              ::testing::ElementsAre("proxy.example.com:5000"));
}

std::vector<std::string> Accepted(const std::function<bool(const std::string&)>& accept,
                                  const std::vector<std::string>& texts) {
  std::vector<std::string> accepted;
  for (const std::string& text : texts) {
    if (accept(text)) {
      accepted.push_back(text);
    }
  }
  return accepted;
}

TEST(IsHostSuffix, TakesLowerCaseLabels) {
  EXPECT_THAT(
      Accepted([](const std::string& text) { return IsHostSuffix(text); },
               {"svc", "svc.corp-1.internal", "", ".svc", "svc.", "a..b", "SVC", "-a", "a b"}),
      ::testing::ElementsAre("svc", "svc.corp-1.internal"));
}

TEST(IsBelowSuffix, TakesNamesBelowAWholeSuffix) {
  const std::vector<std::string> suffixes = {"svc", "svc.cluster.local"};
  EXPECT_THAT(Accepted([&](const std::string& text) { return IsBelowSuffix(text, suffixes); },
                       {"dp.oci.svc",
                        "dp.oci.svc.cluster.local",
                        "svc",
                        ".svc",
                        "dp.oci.notsvc",
                        "dp.SVC",
                        "dp.example.com",
                        "10.0.0.1"}),
              ::testing::ElementsAre("dp.oci.svc", "dp.oci.svc.cluster.local"));
}

}  // namespace
}  // namespace connector::routing
