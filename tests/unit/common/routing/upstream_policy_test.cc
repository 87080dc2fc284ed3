#include "common/routing/upstream_policy.h"

#include "tests/unit/common/routing/upstream_policy_fixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

namespace connector::routing {
namespace {

namespace v1 = config::v1;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

http::Origin OriginOf(const std::string& text) {
  return *http::ParseOrigin(text);
}

struct Connection {
  const char* name;
  const char* policy;
  const char* origin;
  const char* address;
  bool allowed;
  Destination destination = Destination::kRegistry;

  friend void PrintTo(const Connection& row, std::ostream* os) { *os << row.name; }
};

class AConnection : public ::testing::TestWithParam<Connection> {};

TEST_P(AConnection, IsOpenedAsThePolicySays) {
  const Connection& row = GetParam();
  EXPECT_EQ(MayConnect(Policy(row.policy),
                       OriginOf(row.origin),
                       row.destination,
                       *IpAddress::Parse(row.address)),
            row.allowed);
}

constexpr auto kRedirect = Destination::kRedirect;

INSTANTIATE_TEST_SUITE_P(
    Table,
    AConnection,
    ::testing::Values(
        Connection{"ToThePublicFromACluster", "in", "https://r.example", "1.1.1.1", true},
        Connection{"WithoutTlsFromACluster", "in", "http://r.example", "1.1.1.1", false},
        Connection{"ToAPrivateAddressFromACluster", "in", "https://r.example", "10.0.0.1", false},
        Connection{"ToNat64OfThePublic", "in", "https://r.example", "64:ff9b::101:101", true},
        Connection{"ToNat64OfPrivate", "in", "https://r.example", "64:ff9b::a00:1", false},
        Connection{"ToUniqueLocal", "in", "https://r.example", "fd12::1", false},
        Connection{"ToCarrierGradeNat", "in", "https://r.example", "100.64.0.1", false},
        Connection{"ToLoopbackFromACluster", "in", "https://r.example", "127.0.0.1", false},
        Connection{"ToMetadataFromACluster", "in", "https://r.example", "169.254.169.254", false},
        Connection{"ToLoopbackOnALaptop", "laptop", "http://127.0.0.1", "127.0.0.1", true},
        Connection{"ToPrivateOnALaptop", "laptop", "http://nas.lan", "192.168.0.7", true},
        Connection{"ToMetadataOnALaptop", "laptop", "http://r.example", "169.254.169.254", false},
        Connection{"ToNowhereOnALaptop", "laptop", "http://r.example", "0.0.0.0", false},
        Connection{"ToMulticastOnALaptop", "laptop", "http://r.example", "224.0.0.1", false},
        Connection{"ToThePublicWhereNothingIs", "none", "https://r.example", "1.1.1.1", false},
        Connection{"OfAListedName", "rules", "https://harbor.internal", "10.0.0.1", true},
        Connection{"OfAListedSuffix", "rules", "https://a.b.svc.example", "10.0.0.1", true},
        Connection{"OfANameThatEndsAlike", "rules", "https://xharbor.internal", "10.0.0.1", false},
        Connection{"OfAListedNameWithoutTls", "rules", "http://harbor.internal", "10.0.0.1", false},
        Connection{"OfANameWithPlainHttp", "rules", "http://plain.internal", "10.0.0.1", true},
        Connection{"OfANameThatIsLoopback", "rules", "https://harbor.internal", "::1", false},
        Connection{"OfANameThatIsMetadata", "rules", "https://harbor.internal", "fe80::1", false},
        Connection{"OfANameThatIsNamedByAddress", "rules", "https://x.example", "127.0.0.1", true},
        Connection{"ToAListedRange", "rules", "https://x.example", "10.20.255.1", true},
        Connection{"BesideAListedRange", "rules", "https://x.example", "10.21.0.1", false},
        Connection{"ToAListedRangeMapped", "rules", "https://x.example", "::ffff:10.20.0.1", true},
        Connection{"ToAListedAddress", "rules", "http://x.example", "10.30.0.7", true},
        Connection{"BesideAListedAddress", "rules", "http://x.example", "10.30.0.8", false},
        Connection{"ToMetadataNamedByAddress", "rules", "https://x.example", "fd00:ec2::254", true},
        Connection{
            "ToARedirectHost", "rules", "https://store.internal", "10.0.0.1", true, kRedirect},
        Connection{
            "ToARedirectHostAsARegistry", "rules", "https://store.internal", "10.0.0.1", false},
        Connection{"ToARedirectHostWithoutTls",
                   "rules",
                   "http://store.internal",
                   "10.0.0.1",
                   false,
                   kRedirect},
        Connection{"ToAPlainRedirectHost",
                   "rules",
                   "http://plainstore.internal",
                   "10.0.0.1",
                   true,
                   kRedirect},
        Connection{"ToARedirectHostThatIsLoopback",
                   "rules",
                   "https://store.internal",
                   "::1",
                   false,
                   kRedirect},
        Connection{"ToARegistryByRedirect",
                   "rules",
                   "https://harbor.internal",
                   "10.0.0.1",
                   false,
                   kRedirect},
        Connection{"ToAListedRangeByRedirect",
                   "rules",
                   "https://x.example",
                   "10.20.0.1",
                   false,
                   kRedirect},
        Connection{
            "ToThePublicByRedirect", "rules", "https://x.example", "1.1.1.1", true, kRedirect},
        Connection{"ToARedirectHostNamedByAddress",
                   "rules",
                   "https://127.0.0.9",
                   "127.0.0.9",
                   true,
                   kRedirect},
        Connection{"ToAnAddressThatEndsAlike",
                   "rules",
                   "https://127.0.0.8",
                   "127.0.0.8",
                   false,
                   kRedirect},
        Connection{"ToPrivateInAWideRange", "wide", "http://x.example", "10.0.0.1", true},
        Connection{"ToUniqueLocalInAWideRange", "wide", "http://x.example", "fd12::1", true},
        Connection{"ToLoopbackInAWideRange", "wide", "http://x.example", "127.0.0.1", false},
        Connection{"ToIpv6LoopbackInAWideRange", "wide", "http://x.example", "::1", false},
        Connection{"ToMetadataInAWideRange", "wide", "http://x.internal", "169.254.169.254", false},
        Connection{
            "ToIpv6MetadataInAWideRange", "wide", "http://x.internal", "fd00:ec2::254", false},
        Connection{"ToReservedInAWideRange", "wide", "http://x.internal", "4000::1", false},
        Connection{"ToAlibabasMetadataInAWideRange",
                   "wide",
                   "http://x.internal",
                   "100.100.100.200",
                   false}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(PolicyFor, KeepsTheRulesOfTheNamespace) {
  v1::UpstreamPolicy file;
  AddRule(file, "*").add_hosts("all.internal");
  AddRule(file, "team-*").add_hosts("teams.internal");
  AddRule(file, "team-a").add_hosts("a.internal");
  const UpstreamPolicy all = ReadPolicy(file, true);
  const auto hosts = [&](const char* ns) {
    std::vector<std::string> out;
    for (const UpstreamRule& rule : PolicyFor(all, ns).rules) {
      out.push_back(rule.hosts.front());
    }
    return out;
  };

  EXPECT_THAT(hosts("team-a"), ElementsAre("all.internal", "teams.internal", "a.internal"));
  EXPECT_THAT(hosts("team-b"), ElementsAre("all.internal", "teams.internal"));
  EXPECT_THAT(hosts("team"), ElementsAre("all.internal"));
  EXPECT_THAT(hosts("xteam-a"), ElementsAre("all.internal"));
}

TEST(MayMirrorForOthers, SaysYesWhereTheListSaysSo) {
  v1::UpstreamPolicy file;
  v1::UpstreamPolicyRule& rule = AddRule(file);
  rule.add_mirror_hosts("docker.io");
  rule.add_mirror_hosts("Quay.example:443");
  rule.add_mirror_hosts("r.example:5000");
  rule.add_mirror_hosts("*.mirror.example");
  const UpstreamPolicy policy = ReadPolicy(file, true);

  for (const char* asked : {"docker.io",
                            "index.docker.io",
                            "registry-1.docker.io:443",
                            "quay.example",
                            "QUAY.example:443",
                            "r.example:5000",
                            "a.mirror.example"}) {
    EXPECT_TRUE(MayMirrorForOthers(policy, asked)) << asked;
  }
  for (const char* asked :
       {"r.example", "r.example:443", "quay.example:80", "mirror.example", "x.example", ""}) {
    EXPECT_FALSE(MayMirrorForOthers(policy, asked)) << asked;
  }
}

TEST(MayMirrorForOthers, IsNoByDefaultInAClusterAndYesOnALaptop) {
  EXPECT_FALSE(MayMirrorForOthers(Policy("in"), "docker.io"));
  EXPECT_TRUE(MayMirrorForOthers(Policy("laptop"), "docker.io"));
  v1::UpstreamPolicy file;
  AddRule(file, "platform").add_mirror_hosts("*");
  const UpstreamPolicy with_list = ReadPolicy(file, false);
  EXPECT_TRUE(MayMirrorForOthers(PolicyFor(with_list, "platform"), "docker.io"));
  EXPECT_FALSE(MayMirrorForOthers(PolicyFor(with_list, "shop"), "docker.io"))
      << "who writes a list means it, with files too";
}

TEST(PolicyProblem, SaysWhatThePlatformMustAllow) {
  const auto problem = [](const char* policy, const char* origin) {
    return PolicyProblem(Policy(policy), "shop", OriginOf(origin)).value_or("");
  };
  EXPECT_THAT(problem("in", "https://127.0.0.1:5000"),
              AllOf(HasSubstr("namespace shop reach 127.0.0.1, a loopback address"),
                    HasSubstr("addresses: [127.0.0.1]"),
                    Not(HasSubstr("plainHttp"))));
  EXPECT_THAT(
      problem("in", "http://r.internal"),
      AllOf(HasSubstr("hosts: [r.internal] and plainHttp: true"), HasSubstr("without TLS")));
  EXPECT_THAT(problem("none", "https://r.internal"), HasSubstr("hosts: [r.internal]"));
  EXPECT_THAT(problem("in", "https://[fd12::1]"), HasSubstr("addresses: [fd12::1]"));
  // Only the address tells, which the author must not learn.
  EXPECT_EQ(problem("in", "https://r.internal"), "");
  EXPECT_EQ(problem("rules", "http://r.internal"), "");
  EXPECT_EQ(problem("laptop", "http://127.0.0.1"), "");
}

TEST(AClass, LetsConnectWhatBothAllow) {
  const auto connects = [](const char* platform,
                           const char* origin,
                           const char* address,
                           Destination destination = Destination::kRegistry) {
    return MayConnect(
        Narrowed(platform), OriginOf(origin), destination, *IpAddress::Parse(address));
  };
  EXPECT_TRUE(connects("rules", "https://harbor.internal", "10.0.0.1"));
  EXPECT_TRUE(connects("rules", "https://x.svc.example", "10.20.0.1"));
  EXPECT_TRUE(connects("in", "https://harbor.internal", "1.1.1.1"));
  EXPECT_TRUE(connects("rules", "https://store.internal", "10.0.0.1", kRedirect));
  // The class does not allow it.
  EXPECT_FALSE(connects("rules", "https://x.svc.example", "10.20.128.1"));
  EXPECT_FALSE(connects("in", "https://r.example", "1.1.1.1"));
  EXPECT_FALSE(connects("rules", "http://plain.internal", "10.0.0.1")) << "a rule of team-b";
  EXPECT_FALSE(connects("rules", "https://s3.example", "1.1.1.1", kRedirect));
  // The platform does not, and a class cannot widen that.
  EXPECT_FALSE(connects("rules", "https://elsewhere.internal", "10.0.0.1"));
  EXPECT_FALSE(connects("rules", "http://harbor.internal", "10.0.0.1"));
  EXPECT_FALSE(connects("rules", "https://other.internal", "10.0.0.1", kRedirect));
}

TEST(AClass, LetsMirrorForOthersWhatBothAllow) {
  UpstreamPolicy policy = Narrowed("in");
  EXPECT_FALSE(MayMirrorForOthers(policy, "quay.example")) << "a class cannot widen";
  policy.rules.push_back({.mirror_hosts = {"*"}});
  EXPECT_TRUE(MayMirrorForOthers(policy, "quay.example"));
  EXPECT_FALSE(MayMirrorForOthers(policy, "docker.io"));
  policy = {.narrowed_by = ClassPolicy{}};
  EXPECT_FALSE(MayMirrorForOthers(policy, "quay.example"));
}

TEST(AClass, IsNamedWhereItRefuses) {
  const auto problem = [](const std::string& origin) {
    return PolicyProblem(Narrowed("rules"), "team-a", OriginOf(origin)).value_or("");
  };
  EXPECT_EQ(problem("https://harbor.internal"), "");
  EXPECT_THAT(problem("https://10.20.128.1"),
              HasSubstr("ask its operators for a rule of the ConnectorClass's upstreamPolicy with "
                        "addresses: [10.20.128.1]"));
  EXPECT_THAT(problem("https://10.9.0.1"), HasSubstr("a rule of the broker's upstreamPolicy"));
  const auto why = [](const char* address) {
    return WhyNotConnected(Narrowed("rules"),
                           OriginOf("https://x.svc.example"),
                           Destination::kRegistry,
                           *IpAddress::Parse(address));
  };
  EXPECT_THAT(why("10.20.128.1"), HasSubstr("upstreamPolicy of the ConnectorClass does not allow"));
  EXPECT_THAT(why("169.254.0.1"), ::testing::StartsWith("upstreamPolicy does not allow"));
}

}  // namespace
}  // namespace connector::routing
