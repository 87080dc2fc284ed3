#include "broker/authorization/rank_connectors.h"

#include "tests/unit/broker/api/fakes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace connector::broker::authorization {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A Connector for harbor.example.com that everybody named below may use.
std::shared_ptr<const connectors::CatalogEntry> Entry(
    const std::string& ns,
    const std::vector<std::string>& mirror_hosts = {},
    const std::string& address = "https://harbor.example.com") {
  resource::Connector connector =
      api::HarborConnector(ns, "hub", {{"shop", "web"}, {"team-a", "web"}});
  connector.address = *http::ParseOrigin(address);
  connector.access.front().from.emplace_back(
      resource::OidcMatch{"https://issuer.example", {{"org", "acme"}}});
  routing::UpstreamPolicy policy;
  policy.all_mirrors = false;
  policy.rules.push_back({.mirror_hosts = mirror_hosts});
  return connectors::MakeCatalogEntry(
      std::make_shared<const resource::Connector>(std::move(connector)), {}, "v1", "", policy);
}

callers::Caller AccountOf(const std::string& ns) {
  callers::Caller caller;
  caller.service_account = {ns, "web"};
  return caller;
}

// The namespaces whose Connectors may serve `caller`, best first.
std::vector<std::string> Candidates(
    const std::vector<std::shared_ptr<const connectors::CatalogEntry>>& entries,
    const callers::Caller& caller,
    const std::string& asked = "harbor.example.com") {
  std::vector<std::string> out;
  for (const RankedConnector& each : RankConnectors(*api::SnapshotOf(entries),
                                                    MirrorRegistry{asked},
                                                    caller,
                                                    {{"team-a/app", {oci::Action::kPull}}},
                                                    NoRules::kNobody)) {
    if (each.entry != nullptr) {
      out.push_back(each.entry->connector->ref.ns);
    }
  }
  return out;
}

TEST(RankConnectors, LetsNoNamespaceServeAnotherOnItsOwnWord) {
  EXPECT_THAT(Candidates({Entry("aaa"), Entry("platform")}, AccountOf("shop")), IsEmpty());
  EXPECT_THAT(
      Candidates({Entry("aaa"), Entry("platform", {"harbor.example.com"})}, AccountOf("shop")),
      ElementsAre("platform"));
}

TEST(RankConnectors, LetsANamespaceServeItself) {
  EXPECT_THAT(Candidates({Entry("aaa"), Entry("shop")}, AccountOf("shop")), ElementsAre("shop"));
}

TEST(RankConnectors, PutsTheOwnNamespaceFirst) {
  EXPECT_THAT(Candidates({Entry("platform", {"*"}), Entry("shop")}, AccountOf("shop")),
              ElementsAre("shop", "platform"));
}

TEST(RankConnectors, TakesTheAccountOfAnotherClusterForAStranger) {
  callers::Caller stranger;
  stranger.issuer = "https://issuer.example";
  stranger.claims = {{"org", "acme"}};
  stranger.other_cluster_account = callers::ServiceAccount{"shop", "web"};

  EXPECT_THAT(Candidates({Entry("shop")}, stranger), IsEmpty());
  EXPECT_THAT(Candidates({Entry("shop", {"*.example.com"})}, stranger), ElementsAre("shop"));
}

TEST(RankConnectors, ComparesWhatIsAskedWithTheList) {
  const auto hub = Entry("platform", {"docker.io"}, "https://registry-1.docker.io");
  EXPECT_THAT(Candidates({hub}, AccountOf("shop"), "index.docker.io"), ElementsAre("platform"));
  EXPECT_THAT(Candidates({Entry("platform", {"docker.io"})}, AccountOf("shop")), IsEmpty());
}

TEST(RankConnectors, MixesNoSchemesUnderOneName) {
  const auto tls = Entry("platform", {"*"}, "https://r.example:5000");
  const auto plain = Entry("shop", {"*"}, "http://r.example:5000");

  EXPECT_THAT(Candidates({tls, plain}, AccountOf("shop"), "r.example:5000"),
              ElementsAre("platform"));
  EXPECT_THAT(Candidates({plain}, AccountOf("shop"), "r.example:5000"), ElementsAre("shop"));
  EXPECT_THAT(Candidates({Entry("team-a", {}, "https://r.example:5000"), plain},
                         AccountOf("shop"),
                         "r.example:5000"),
              ElementsAre("shop"))
      << "who may not serve the caller shuts nobody out";
}

TEST(RankConnectors, TellsOperatorsWhyNobodyServes) {
  const auto ranked = RankConnectors(*api::SnapshotOf({Entry("aaa")}),
                                     MirrorRegistry{"harbor.example.com"},
                                     AccountOf("shop"),
                                     {{"team-a/app", {oci::Action::kPull}}},
                                     NoRules::kNobody);

  ASSERT_EQ(ranked.size(), 1U);
  EXPECT_THAT(ranked.front().refusal->detail, HasSubstr("mirrorHosts"));
  EXPECT_THAT(ranked.front().refusal->message, Not(HasSubstr("mirrorHosts")));
}

}  // namespace
}  // namespace connector::broker::authorization
