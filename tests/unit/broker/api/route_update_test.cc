#include "broker/api/route_update.h"

#include "tests/unit/broker/api/fakes.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

namespace connector::broker::api {
namespace {

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
      std::make_shared<const resource::Connector>(connector), "PEM", "version-1", "");

  const v1::WatchRoutesResponse response =
      RouteSnapshot(*SnapshotOf({entry}),
                    SealingKeysAt(Secret(std::string(32, 'r')), WallTime{} + 9 * kSealingPeriod));

  EXPECT_TRUE(response.snapshot());
  ASSERT_EQ(response.routes().size(), 1);
  const v1::Route& route = response.routes(0);
  EXPECT_EQ(route.address(), "https://harbor.example.com");
  EXPECT_EQ(route.ca_bundle(), "PEM");
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
  EXPECT_EQ(route.epoch(), entry->epoch);
  ASSERT_EQ(response.sealing_keys().size(), 3);
  EXPECT_TRUE(response.sealing_keys(1).current());
  EXPECT_EQ(response.ShortDebugString().find("harbor-robot"), std::string::npos);
  EXPECT_EQ(response.ShortDebugString().find("version-1"), std::string::npos);
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

  const v1::WatchRoutesResponse response = RouteChanges(
      *SnapshotOf({kept, gone, rotated, before}), *SnapshotOf({kept, rotated_next, after, added}));

  EXPECT_THAT(Names(response), ::testing::ElementsAre("+added", "+limited", "+rotated", "-gone"));
  EXPECT_FALSE(response.snapshot());
}

TEST(RouteChanges, AreEmptyBetweenEqualSnapshots) {
  const auto one = SnapshotOf({EntryOf(HarborConnector("default", "kept", {}))});
  const auto two = SnapshotOf({EntryOf(HarborConnector("default", "kept", {}))});

  EXPECT_TRUE(api::IsEmpty(RouteChanges(*one, *two)));
}

}  // namespace
}  // namespace connector::broker::api
