#include "dataplane/routes/table_updater.h"

#include "proto/connector/broker/v1/broker.pb.h"

#include <gtest/gtest.h>

#include <string>

namespace connector::dataplane::routes {
namespace {

namespace pb = ::connector::broker::v1;

const ConnectorRef kHarbor{"default", "harbor"};
const ConnectorRef kQuay{"default", "quay"};

pb::Route* AddRoute(pb::WatchRoutesResponse& update,
                    const ConnectorRef& ref,
                    const std::string& address = "https://registry.example.com") {
  pb::Route* const route = update.add_routes();
  route->mutable_connector()->set_namespace_(ref.ns);
  route->mutable_connector()->set_name(ref.name);
  route->set_address(address);
  return route;
}

class TableUpdaterTest : public ::testing::Test {
 protected:
  void Apply(const pb::WatchRoutesResponse& update) { table_ = updater_.Apply(*table_, update); }
  void ApplyRoute(const ConnectorRef& ref, const std::string& address) {
    pb::WatchRoutesResponse update;
    AddRoute(update, ref, address);
    Apply(update);
  }

  log::Logger logger_{-1, "test", log::Level::kError};
  TableUpdater updater_{logger_};
  std::shared_ptr<const RouteTable> table_ = std::make_shared<RouteTable>();
};

TEST_F(TableUpdaterTest, AddsToWhatIsThere) {
  ApplyRoute(kHarbor, "https://harbor.example.com");
  ApplyRoute(kQuay, "https://quay.example.com:8443");

  ASSERT_EQ(table_->routes.size(), 2U);
  EXPECT_EQ(table_->Find(kQuay)->origin.ToString(), "https://quay.example.com:8443");
}

TEST_F(TableUpdaterTest, StartsFromNothingWithASnapshot) {
  ApplyRoute(kHarbor, "https://harbor.example.com");
  pb::WatchRoutesResponse snapshot;
  snapshot.set_snapshot(true);
  AddRoute(snapshot, kQuay);

  Apply(snapshot);

  EXPECT_EQ(table_->Find(kHarbor), nullptr);
  EXPECT_NE(table_->Find(kQuay), nullptr);
}

TEST_F(TableUpdaterTest, RemovesWhatIsGone) {
  ApplyRoute(kHarbor, "https://harbor.example.com");
  pb::WatchRoutesResponse update;
  update.add_removed()->set_namespace_("default");
  update.mutable_removed(0)->set_name("harbor");

  Apply(update);

  EXPECT_EQ(table_->Find(kHarbor), nullptr);
}

TEST_F(TableUpdaterTest, LetsARouteThatCannotBeUnderstoodServeNobody) {
  ApplyRoute(kHarbor, "https://harbor.example.com");

  ApplyRoute(kHarbor, "not an origin");

  EXPECT_EQ(table_->Find(kHarbor), nullptr) << "the old address must not stay in force";
}

TEST_F(TableUpdaterTest, LetsARouteWithoutItsCaServeNobody) {
  pb::WatchRoutesResponse update;
  AddRoute(update, kHarbor)->set_ca_bundle("no certificate");

  Apply(update);

  EXPECT_EQ(table_->Find(kHarbor), nullptr);
}

TEST_F(TableUpdaterTest, KeepsTheCountersOfAConnectorOverItsRoutes) {
  ApplyRoute(kHarbor, "https://harbor.example.com");
  table_->Find(kHarbor)->stats->requests = 7;

  ApplyRoute(kHarbor, "https://other.example.com");

  EXPECT_EQ(table_->Find(kHarbor)->stats->requests, 7U);
}

TEST_F(TableUpdaterTest, UsesTheDefaultsForWhatAnOlderBrokerDoesNotSay) {
  ApplyRoute(kHarbor, "https://harbor.example.com");
  const Route& route = *table_->Find(kHarbor);

  EXPECT_EQ(route.limits.max_concurrent_requests, 256U);
  EXPECT_EQ(route.limits.connect_timeout, std::chrono::seconds(5));
  EXPECT_EQ(route.limits.idle_timeout, std::chrono::seconds(60));
  EXPECT_EQ(route.redirects.mode, routing::RedirectMode::kFollow);
  EXPECT_EQ(route.secret_class, "none");
  EXPECT_FALSE(route.allow_insecure);
}

TEST_F(TableUpdaterTest, TakesWhatTheBrokerSays) {
  pb::WatchRoutesResponse update;
  pb::Route& from = *AddRoute(update, kHarbor, "http://harbor:5000");
  from.set_epoch("epoch-1");
  from.set_secret_class(pb::SECRET_CLASS_STATIC);
  from.set_allow_insecure_upstream(true);
  from.mutable_limits()->set_max_concurrent_requests(3);
  from.mutable_limits()->mutable_idle_timeout()->set_nanos(250'000'000);
  from.mutable_redirects()->set_mode(::connector::config::v1::REDIRECT_MODE_PASS);
  from.mutable_redirects()->add_hosts("*.blobs.example.com");

  Apply(update);

  const Route& route = *table_->Find(kHarbor);
  EXPECT_EQ(route.epoch, "epoch-1");
  EXPECT_EQ(route.secret_class, "static");
  EXPECT_TRUE(route.allow_insecure);
  EXPECT_EQ(route.limits.max_concurrent_requests, 3U);
  EXPECT_EQ(route.limits.idle_timeout, std::chrono::milliseconds(250));
  EXPECT_EQ(route.redirects.mode, routing::RedirectMode::kPass);
  EXPECT_EQ(route.redirects.hosts, std::vector<std::string>{"*.blobs.example.com"});
}

TEST_F(TableUpdaterTest, KeepsTheSealingKeysThatAMessageDoesNotName) {
  pb::WatchRoutesResponse update;
  pb::SealingKey& key = *update.add_sealing_keys();
  key.set_id(7);
  key.set_key(std::string(32, 'k'));
  key.set_current(true);
  Apply(update);
  const auto keys = table_->sealing_keys;

  ApplyRoute(kHarbor, "https://harbor.example.com");

  EXPECT_EQ(table_->sealing_keys, keys);
}

}  // namespace
}  // namespace connector::dataplane::routes
