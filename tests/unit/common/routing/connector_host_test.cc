#include "common/routing/connector_host.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <ostream>
#include <string>
#include <vector>

namespace connector::routing {
namespace {

const std::vector<std::string> kSuffixes = {"svc", "svc.cluster.local"};

struct HostRow {
  std::string name;
  std::string host;
  bool names_harbor;

  friend void PrintTo(const HostRow& row, std::ostream* os) { *os << row.name; }
};

class ConnectorOfHostReads : public ::testing::TestWithParam<HostRow> {};

TEST_P(ConnectorOfHostReads, TheHostForm) {
  const std::optional<ConnectorRef> expected =
      GetParam().names_harbor ? std::optional(ConnectorRef{"default", "harbor"}) : std::nullopt;
  EXPECT_EQ(ConnectorOfHost(GetParam().host, kSuffixes), expected);
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    ConnectorOfHostReads,
    ::testing::Values(HostRow{"TheShortName", "c-harbor.default.svc", true},
                      HostRow{"TheLongName", "c-harbor.default.svc.cluster.local", true},
                      HostRow{"AnyCase", "C-Harbor.Default.SVC", true},
                      HostRow{"WithAPort", "c-harbor.default.svc:5000", true},
                      HostRow{"WithAFinalDot", "c-harbor.default.svc.", true},
                      HostRow{"NotAnUnknownSuffix", "c-harbor.default.example.com", false},
                      HostRow{"NotALongerSuffix", "c-harbor.default.svc.evil.com", false},
                      HostRow{"NotWithoutThePrefix", "harbor.default.svc", false},
                      HostRow{"NotWithoutANamespace", "c-harbor.svc", false},
                      HostRow{"NotWithAnEmptyName", "c-.default.svc", false},
                      HostRow{"NotWithAnEmptyNamespace", "c-harbor..svc", false},
                      HostRow{"NotWithAMoreDeeplyNestedName", "x.c-harbor.default.svc", false},
                      HostRow{"NotWithTwoFinalDots", "c-harbor.default.svc..", false},
                      HostRow{"NotAnAddress", "127.0.0.1:5000", false},
                      HostRow{"NotAnIpv6Address", "[::1]:5000", false},
                      HostRow{"NotWithAnUnderscore", "c-har_bor.default.svc", false}),
    [](const auto& row) { return row.param.name; });

std::vector<std::string> Accepted(bool (*accept)(const std::string&),
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
  EXPECT_THAT(Accepted([](const std::string& text) { return IsBelowSuffix(text, kSuffixes); },
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
