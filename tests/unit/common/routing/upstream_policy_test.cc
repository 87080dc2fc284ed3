#include "common/routing/upstream_policy.h"

#include "proto/connector/config/v1/upstream_policy.pb.h"

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
using ::testing::IsEmpty;

http::Origin OriginOf(const std::string& text) {
  return *http::ParseOrigin(text);
}

std::vector<std::string> ProblemsOf(const v1::UpstreamPolicy& file) {
  std::vector<std::string> out;
  static_cast<void>(
      ReadUpstreamPolicy(file, true, [&](const std::string& path, const char* message) {
        out.push_back(path + ": " + message);
      }));
  return out;
}

UpstreamPolicy Read(const v1::UpstreamPolicy& file, bool in_cluster) {
  return ReadUpstreamPolicy(file, in_cluster, [](const std::string& path, const char* message) {
    ADD_FAILURE() << path << " " << message;
  });
}

v1::UpstreamPolicyRule& AddRule(v1::UpstreamPolicy& file, const std::string& ns = "*") {
  v1::UpstreamPolicyRule& rule = *file.add_rules();
  rule.add_namespaces(ns);
  return rule;
}

// "in" (a cluster, no rule), "laptop", "none", "rules": what the policies are called below.
UpstreamPolicy Policy(const std::string& name) {
  v1::UpstreamPolicy file;
  if (name == "none") {
    file.set_unlisted("none");
  }
  if (name == "rules") {
    v1::UpstreamPolicyRule& tls = AddRule(file);
    tls.add_hosts("harbor.internal");
    tls.add_hosts("*.svc.example");
    tls.add_addresses("10.20.0.0/16");
    tls.add_addresses("127.0.0.0/8");
    tls.add_addresses("fd00:ec2::254");
    tls.add_redirect_hosts("store.internal");
    tls.add_redirect_hosts("127.0.0.9");
    v1::UpstreamPolicyRule& plain = AddRule(file);
    plain.add_hosts("plain.internal");
    plain.add_addresses("10.30.0.7");
    plain.add_redirect_hosts("plainstore.internal");
    plain.set_plain_http(true);
  }
  if (name == "wide") {
    v1::UpstreamPolicyRule& rule = AddRule(file);
    rule.add_addresses("0.0.0.0/0");
    rule.add_addresses("::/0");
    rule.add_hosts("*.internal");
    rule.set_plain_http(true);
  }
  return Read(file, name != "laptop");
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
  const UpstreamPolicy all = Read(file, true);
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
  const UpstreamPolicy policy = Read(file, true);

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
  const UpstreamPolicy with_list = Read(file, false);
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

TEST(UpstreamPolicy, TravelsToDataPlanesWithoutLoss) {
  v1::UpstreamPolicy file;
  file.set_unlisted("none");
  v1::UpstreamPolicyRule& rule = AddRule(file);
  rule.add_hosts("harbor.internal");
  rule.add_addresses("10.20.0.0/16");
  rule.add_addresses("::1");
  rule.set_plain_http(true);
  rule.add_redirect_hosts("*.store.internal");
  UpstreamPolicy policy = Read(file, true);
  v1::UpstreamPolicy sent;
  ToProto(policy, sent);

  policy.rules[0].namespaces.clear();  // It is of one namespace.
  EXPECT_EQ(FromProto(sent), policy);
}

TEST(UpstreamPolicy, IsNotTakenWhereItCannotBeUnderstood) {
  v1::UpstreamPolicy sent;
  sent.set_unlisted("everything");
  EXPECT_EQ(FromProto(sent), std::nullopt);
  sent.set_unlisted("public");
  sent.add_rules()->add_addresses("ten");
  EXPECT_EQ(FromProto(sent), std::nullopt);
}

TEST(CanonicalText, TellsPoliciesApart) {
  v1::UpstreamPolicy file;
  AddRule(file).add_hosts("a.internal");
  const UpstreamPolicy one = Read(file, true);
  file.mutable_rules(0)->set_plain_http(true);
  const UpstreamPolicy other = Read(file, true);
  v1::UpstreamPolicy mirrors;
  AddRule(mirrors).add_mirror_hosts("a.internal");

  EXPECT_EQ(CanonicalText(UpstreamPolicy{}), "");
  EXPECT_NE(CanonicalText(one), CanonicalText(other));
  EXPECT_NE(CanonicalText(Read(mirrors, true)), CanonicalText(Policy("in")));
  EXPECT_EQ(CanonicalText(one), CanonicalText(UpstreamPolicy(one)));
}

TEST(ReadUpstreamPolicy, SaysWhatIsWrongAndWhatToWrite) {
  v1::UpstreamPolicy file;
  file.set_unlisted("any");
  v1::UpstreamPolicyRule& rule = AddRule(file, "Team_A");
  rule.add_hosts("10.0.0.1");
  rule.add_hosts("https://a.example");
  rule.add_addresses("10.0.0.1/8");
  rule.add_redirect_hosts("a.example:443");
  rule.add_mirror_hosts("a.example/x");
  AddRule(file);
  v1::UpstreamPolicyRule& plain = AddRule(file);
  plain.set_plain_http(true);
  plain.add_mirror_hosts("a.example");

  EXPECT_THAT(ProblemsOf(file),
              ElementsAre("unlisted: must be none, public or local",
                          HasSubstr("rules[0].namespaces[0]: is not a namespace"),
                          HasSubstr("rules[0].hosts[0]: is not a name"),
                          HasSubstr("rules[0].hosts[1]: is not a name"),
                          HasSubstr("rules[0].addresses[0]: is not an address range"),
                          HasSubstr("rules[0].redirectHosts[0]: is not a host"),
                          HasSubstr("rules[0].mirrorHosts[0]: is not a registry"),
                          HasSubstr("rules[1]: allows nothing"),
                          HasSubstr("rules[2].plainHttp: says not to what")));
}

TEST(ReadUpstreamPolicy, HasABound) {
  v1::UpstreamPolicy many;
  for (int i = 0; i < 65; ++i) {
    AddRule(many).add_hosts("a.example");
  }
  EXPECT_THAT(ProblemsOf(many), ElementsAre(HasSubstr("rules: has more than 64 entries")));

  v1::UpstreamPolicy long_list;
  for (int i = 0; i < 65; ++i) {
    (i == 0 ? AddRule(long_list) : *long_list.mutable_rules(0)).add_hosts("a.example");
  }
  EXPECT_THAT(ProblemsOf(long_list), ElementsAre(HasSubstr("rules[0].hosts: has more than 64")));

  v1::UpstreamPolicy large;
  for (int i = 0; i < 60; ++i) {
    AddRule(large).add_hosts(std::string(60, 'a') + "." + std::string(60, 'b') + "." +
                             std::string(60, 'c') + "." + std::string(60, 'd') + "." +
                             std::string(60, 'e'));
  }
  EXPECT_THAT(ProblemsOf(large), ElementsAre(HasSubstr("rules: are more than 16 KiB")));
}

TEST(ReadUpstreamPolicy, TakesAnEmptyOneForTheDefault) {
  EXPECT_THAT(ProblemsOf({}), IsEmpty());
  EXPECT_EQ(Read({}, false), UpstreamPolicy{});
  EXPECT_EQ(Read({}, true).unlisted, Unlisted::kPublic);
}

}  // namespace
}  // namespace connector::routing
