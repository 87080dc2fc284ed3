#include "broker/api/route_update.h"

#include "tests/unit/broker/api/fakes.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

namespace connector::broker::api {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

WatchState StateOf(const std::vector<std::shared_ptr<const connectors::CatalogEntry>>& entries) {
  return {SnapshotOf(entries)};
}

std::vector<v1::WatchRoutesResponse> PartsOf(RouteUpdate update) {
  std::vector<v1::WatchRoutesResponse> parts;
  while (!update.done()) {
    parts.push_back(update.NextPart());
  }
  return parts;
}

v1::WatchRoutesResponse OnlyPart(const WatchState& sent, WatchState now) {
  const auto parts = PartsOf(RouteUpdate(sent, std::move(now)));
  EXPECT_EQ(parts.size(), 1U);
  EXPECT_TRUE(parts.front().end());
  return parts.front();
}

resource::CaBundle BundleOf(char letter, std::size_t size = 100) {
  return resource::CaBundle(std::string(size, letter));
}

std::shared_ptr<const connectors::CatalogEntry> EntryWith(const std::string& name,
                                                          resource::CaBundle bundle) {
  return EntryOf(HarborConnector("default", name, {}), "v1", std::move(bundle));
}

std::vector<std::string> Bundles(const v1::WatchRoutesResponse& response) {
  std::vector<std::string> letters;
  for (const v1::CaBundle& bundle : response.ca_bundles()) {
    letters.push_back(bundle.pem().substr(0, 1));
  }
  return letters;
}

std::vector<std::string> Names(const v1::WatchRoutesResponse& response) {
  std::vector<std::string> names;
  for (const v1::Route& route : response.routes()) {
    names.push_back("+" + route.connector().name());
  }
  for (const v1::ConnectorRef& ref : response.removed()) {
    names.push_back("-" + ref.name());
  }
  return names;
}

TEST(RouteSnapshot, DescribesARouteWhollyAndHoldsNoSecret) {
  resource::Connector connector = HarborConnector("default", "harbor", {});
  connector.upstream.redirects = {routing::RedirectMode::kPass, {"*.s3.amazonaws.com"}};
  connector.upstream.allow_insecure = true;
  connector.upstream.limits = {7, std::chrono::milliseconds(1500), std::chrono::seconds(60)};
  const auto entry = connectors::MakeCatalogEntry(
      std::make_shared<const resource::Connector>(connector),
      resource::CaBundle("PEM"),
      "version-1",
      "",
      {.unlisted = routing::Unlisted::kPublic, .rules = {{.hosts = {"harbor.internal"}}}});

  const v1::WatchRoutesResponse response = OnlyPart({}, StateOf({entry}));

  EXPECT_TRUE(response.snapshot());
  ASSERT_EQ(response.routes().size(), 1);
  const v1::Route& route = response.routes(0);
  EXPECT_EQ(route.address(), "https://harbor.example.com");
  ASSERT_EQ(response.ca_bundles().size(), 1);
  EXPECT_EQ(response.ca_bundles(0).pem(), "PEM");
  EXPECT_EQ(route.ca_digest(), response.ca_bundles(0).digest());
  EXPECT_THAT(route.mirror_hosts(), ::testing::Contains("harbor.example.com"));
  EXPECT_EQ(route.redirects().mode(), config::v1::REDIRECT_MODE_PASS);
  EXPECT_THAT(route.redirects().hosts(), ::testing::ElementsAre("*.s3.amazonaws.com"));
  EXPECT_EQ(route.limits().max_concurrent_requests(), 7U);
  EXPECT_EQ(route.limits().connect_timeout().seconds(), 1);
  EXPECT_EQ(route.limits().connect_timeout().nanos(), 500000000);
  EXPECT_EQ(route.limits().idle_timeout().seconds(), 60);
  EXPECT_EQ(route.secret_class(), v1::SECRET_CLASS_DERIVED);
  EXPECT_TRUE(route.allow_insecure_upstream());
  EXPECT_FALSE(route.docker_hub());
  EXPECT_EQ(route.upstream_policy().unlisted(), "public");
  ASSERT_EQ(route.upstream_policy().rules_size(), 1);
  EXPECT_THAT(route.upstream_policy().rules(0).hosts(), ::testing::ElementsAre("harbor.internal"));
  EXPECT_EQ(route.epoch(), entry->epoch);
  EXPECT_EQ(response.ShortDebugString().find("harbor-robot"), std::string::npos);
  EXPECT_EQ(response.ShortDebugString().find("version-1"), std::string::npos);
}

TEST(RouteSnapshot, SendsBothPoliciesAndLetsAnOldDataPlaneLeadNowhere) {
  const auto entry = connectors::MakeCatalogEntry(
      std::make_shared<const resource::Connector>(HarborConnector("default", "harbor", {})),
      {},
      "version-1",
      "",
      {.unlisted = routing::Unlisted::kPublic,
       .narrowed_by = routing::ClassPolicy{.rules = {{.hosts = {"harbor.internal"}}}}});

  const v1::WatchRoutesResponse response = OnlyPart({}, StateOf({entry}));

  ASSERT_EQ(response.routes().size(), 1);
  const v1::Route& route = response.routes(0);
  EXPECT_EQ(route.narrowed_upstream_policy().platform().unlisted(), "public");
  const auto& of_class = route.narrowed_upstream_policy().connector_class();
  EXPECT_EQ(of_class.unlisted(), "none");
  ASSERT_EQ(of_class.rules_size(), 1);
  EXPECT_THAT(of_class.rules(0).hosts(), ::testing::ElementsAre("harbor.internal"));
  EXPECT_EQ(route.upstream_policy().unlisted(), "none");
  EXPECT_EQ(route.upstream_policy().rules_size(), 0);
}

TEST(RouteChanges, HoldOnlyWhatDiffers) {
  const auto kept = EntryOf(HarborConnector("default", "kept", {}));
  const auto gone = EntryOf(HarborConnector("default", "gone", {}));
  const auto rotated = EntryOf(HarborConnector("default", "rotated", {}), "v1");
  const auto rotated_next = EntryOf(HarborConnector("default", "rotated", {}), "v2");
  resource::Connector limited = HarborConnector("default", "limited", {});
  const auto before = EntryOf(limited);
  limited.upstream.limits.max_concurrent_requests = 1;
  const auto after = EntryOf(limited);
  const auto added = EntryOf(HarborConnector("default", "added", {}));

  const v1::WatchRoutesResponse response =
      OnlyPart(StateOf({kept, gone, rotated, before}), StateOf({kept, rotated_next, after, added}));

  EXPECT_THAT(Names(response), ::testing::ElementsAre("+added", "+limited", "+rotated", "-gone"));
  EXPECT_FALSE(response.snapshot());
}

TEST(RouteChanges, AreEmptyBetweenEqualSnapshots) {
  const auto one = StateOf({EntryOf(HarborConnector("default", "kept", {}))});
  const auto two = StateOf({EntryOf(HarborConnector("default", "kept", {}))});

  EXPECT_TRUE(RouteUpdate(one, two).done());
}

TEST(RouteSnapshot, HasAnEndEvenOfNothing) {
  EXPECT_TRUE(OnlyPart({}, StateOf({})).snapshot());
}

TEST(RouteSnapshot, GoesInPartsOfABoundedSizeOfWhichTheLastHasTheEnd) {
  std::vector<std::shared_ptr<const connectors::CatalogEntry>> entries;
  for (int i = 0; i < 60; ++i) {
    resource::Connector connector = HarborConnector("default", "c" + std::to_string(i), {});
    // As large as a Connector may be.
    connector.upstream.redirects.hosts.assign(64, std::string(255, 'h'));
    entries.push_back(
        EntryOf(connector,
                "v1",
                BundleOf(static_cast<char>('0' + i), resource::kMaxConnectorCaBundleBytes)));
  }

  const auto parts = PartsOf(RouteUpdate({}, StateOf(entries)));

  std::size_t routes = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    EXPECT_LT(parts[i].ByteSizeLong(), std::size_t{512} * 1024);
    EXPECT_EQ(parts[i].snapshot(), i == 0);
    EXPECT_EQ(parts[i].end(), i + 1 == parts.size());
    routes += static_cast<std::size_t>(parts[i].routes().size());
  }
  EXPECT_EQ(routes, entries.size());
  EXPECT_GT(parts.size(), 10U);
}

TEST(RouteSnapshot, SendsABundleOnceForAllWhoTrustIt) {
  const auto response = OnlyPart(
      {},
      StateOf({EntryWith("a", BundleOf('x')), EntryWith("b", BundleOf('x')), EntryWith("c", {})}));

  EXPECT_THAT(Bundles(response), ElementsAre("x"));
}

TEST(RouteChanges, SendNoBundleThatTheClientHas) {
  const auto sent = StateOf({EntryWith("a", BundleOf('x'))});

  EXPECT_THAT(Bundles(OnlyPart(
                  sent, StateOf({EntryWith("a", BundleOf('x')), EntryWith("b", BundleOf('x'))}))),
              IsEmpty());
  EXPECT_THAT(Bundles(OnlyPart(sent, StateOf({EntryWith("a", BundleOf('y'))}))), ElementsAre("y"));
}

TEST(RouteChanges, SendABundleAgainThatNoRouteNamedMeanwhile) {
  const auto between = StateOf({EntryWith("a", {})});

  EXPECT_THAT(Bundles(OnlyPart(between, StateOf({EntryWith("a", BundleOf('x'))}))),
              ElementsAre("x"));
}

}  // namespace
}  // namespace connector::broker::api
