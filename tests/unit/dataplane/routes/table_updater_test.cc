#include "dataplane/routes/table_updater.h"

#include "common/crypto/digest.h"
#include "tests/support/cpp/ca_pem.h"
#include "tests/support/cpp/result_matchers.h"

#include "proto/connector/broker/v1/broker.pb.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace connector::dataplane::routes {
namespace {

namespace pb = ::connector::broker::v1;
using testing_support::HasError;
using testing_support::HasValue;

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

void AddBundle(pb::WatchRoutesResponse& update, const std::string& pem) {
  pb::CaBundle& bundle = *update.add_ca_bundles();
  bundle.set_digest(crypto::Sha256Hex(pem));
  bundle.set_pem(pem);
}

class TableUpdaterTest : public ::testing::Test {
 protected:
  // A stream that has begun, with nothing.
  TableUpdaterTest() {
    pb::WatchRoutesResponse snapshot;
    snapshot.set_snapshot(true);
    Apply(snapshot);
  }
  // The only part of what it says.
  void Apply(pb::WatchRoutesResponse update) {
    update.set_end(true);
    table_ = *updater_.Take(update);
  }
  void ApplyRoute(const ConnectorRef& ref, const std::string& address) {
    pb::WatchRoutesResponse update;
    AddRoute(update, ref, address);
    Apply(update);
  }
  void ApplyRouteWithCa(const ConnectorRef& ref, const std::string& pem) {
    pb::WatchRoutesResponse update;
    AddBundle(update, pem);
    AddRoute(update, ref)->set_ca_digest(crypto::Sha256Hex(pem));
    Apply(update);
  }

  log::Logger logger_{-1, "test", log::Level::kError};
  const std::shared_ptr<RouteStream> stream_ = std::make_shared<RouteStream>();
  TableUpdater updater_{logger_, stream_};
  std::shared_ptr<const RouteTable> table_;
};

TEST_F(TableUpdaterTest, TakesTheDenyListOfTheLastPart) {
  pb::WatchRoutesResponse first;
  first.set_deny_list("list-1");
  ASSERT_EQ(*updater_.Take(first), nullptr);
  EXPECT_EQ(table_->deny_list, "");

  pb::WatchRoutesResponse last;
  last.set_deny_list("list-2");
  Apply(last);
  EXPECT_EQ(table_->deny_list, "list-2");
  Apply(pb::WatchRoutesResponse());
  EXPECT_EQ(table_->deny_list, "");
}

TEST_F(TableUpdaterTest, PutsNothingInForceBeforeTheEndOfWhatIsSaid) {
  ApplyRoute(kHarbor, "https://harbor.example.com");
  pb::WatchRoutesResponse part;
  part.set_snapshot(true);
  AddRoute(part, kQuay);

  EXPECT_THAT(updater_.Take(part), HasValue(::testing::IsNull()));
  pb::WatchRoutesResponse last;
  AddRoute(last, {"default", "third"});
  Apply(last);

  EXPECT_EQ(table_->Find(kHarbor), nullptr);
  EXPECT_NE(table_->Find(kQuay), nullptr);
  EXPECT_NE(table_->Find({"default", "third"}), nullptr);
}

TEST_F(TableUpdaterTest, ForgetsWhatAStreamDidNotSayToItsEnd) {
  pb::WatchRoutesResponse part;
  AddRoute(part, kHarbor);
  EXPECT_THAT(updater_.Take(part), HasValue(::testing::IsNull()));

  updater_.BeginStream();
  pb::WatchRoutesResponse snapshot;
  snapshot.set_snapshot(true);
  AddRoute(snapshot, kQuay);
  Apply(snapshot);

  EXPECT_EQ(table_->Find(kHarbor), nullptr);
  EXPECT_NE(table_->Find(kQuay), nullptr);
}

TEST_F(TableUpdaterTest, TakesNoChangesOfAStreamWithoutASnapshot) {
  updater_.BeginStream();
  pb::WatchRoutesResponse changes;
  AddRoute(changes, kHarbor);
  changes.set_end(true);

  EXPECT_THAT(updater_.Take(changes), HasError(ErrorCode::kInvalidArgument));
}

TEST_F(TableUpdaterTest, IsNotDisturbedByAPartThatItDoesNotKnow) {
  ApplyRoute(kHarbor, "https://harbor.example.com");
  pb::WatchRoutesResponse unknown;
  ASSERT_TRUE(unknown.ParseFromString("\xFA\x06\x05later"));  // Field 111.

  Apply(unknown);

  EXPECT_NE(table_->Find(kHarbor), nullptr);
}

TEST_F(TableUpdaterTest, UsesABundleForEveryRouteThatNamesIt) {
  const std::string pem = testing_support::MakeCaPem();
  ApplyRouteWithCa(kHarbor, pem);
  pb::WatchRoutesResponse update;
  AddRoute(update, kQuay)->set_ca_digest(crypto::Sha256Hex(pem));
  Apply(update);

  EXPECT_EQ(table_->Find(kQuay)->tls, table_->Find(kHarbor)->tls);
  EXPECT_EQ(table_->Find(kQuay)->profile, crypto::Sha256Hex(pem));
}

TEST_F(TableUpdaterTest, TakesTheUpstreamPolicyOfARoute) {
  pb::WatchRoutesResponse update;
  auto& policy = *AddRoute(update, kHarbor)->mutable_upstream_policy();
  policy.set_unlisted("public");
  policy.add_rules()->add_hosts("harbor.internal");
  AddRoute(update, kQuay)->mutable_upstream_policy()->set_unlisted("public");
  Apply(update);

  const auto harbor = table_->Find(kHarbor);
  EXPECT_EQ(harbor->upstream_policy->unlisted, routing::Unlisted::kPublic);
  EXPECT_EQ(harbor->upstream_policy->rules.at(0).hosts.at(0), "harbor.internal");
  EXPECT_NE(harbor->profile, table_->Find(kQuay)->profile)
      << "a connection that one may have is not for the other";
}

TEST_F(TableUpdaterTest, TakesWhatAClassNarrows) {
  pb::WatchRoutesResponse update;
  auto& harbor = *AddRoute(update, kHarbor);
  harbor.mutable_upstream_policy()->set_unlisted("none");
  harbor.mutable_narrowed_upstream_policy()->mutable_platform()->set_unlisted("public");
  auto& of_class = *harbor.mutable_narrowed_upstream_policy()->mutable_connector_class();
  of_class.set_unlisted("none");
  of_class.add_rules()->add_hosts("harbor.example.com");
  auto& quay = *AddRoute(update, kQuay);
  quay.mutable_narrowed_upstream_policy()->mutable_platform()->set_unlisted("public");
  quay.mutable_narrowed_upstream_policy()->mutable_connector_class()->set_unlisted("newer");
  Apply(update);

  const routing::UpstreamPolicy& policy = *table_->Find(kHarbor)->upstream_policy;
  EXPECT_EQ(policy.unlisted, routing::Unlisted::kPublic);
  ASSERT_TRUE(policy.narrowed_by.has_value());
  EXPECT_EQ(policy.narrowed_by->rules.at(0).hosts.at(0), "harbor.example.com");
  EXPECT_EQ(table_->Find(kQuay), nullptr) << "half of a policy would lead too far";
}

TEST_F(TableUpdaterTest, LetsARouteWhosePolicyIsNotUnderstoodServeNobody) {
  ApplyRoute(kHarbor, "https://harbor.example.com");
  pb::WatchRoutesResponse update;
  AddRoute(update, kHarbor)->mutable_upstream_policy()->set_unlisted("newer");
  Apply(update);

  EXPECT_EQ(table_->Find(kHarbor), nullptr);
}

TEST_F(TableUpdaterTest, LetsARouteWhoseBundleWasNotSentServeNobody) {
  pb::WatchRoutesResponse update;
  AddRoute(update, kHarbor)->set_ca_digest("absent");
  Apply(update);

  EXPECT_EQ(table_->Find(kHarbor), nullptr);
}

TEST_F(TableUpdaterTest, TakesNoBundleUnderTheDigestOfAnother) {
  pb::WatchRoutesResponse update;
  AddBundle(update, testing_support::MakeCaPem());
  update.mutable_ca_bundles(0)->set_digest("another");
  AddRoute(update, kHarbor)->set_ca_digest("another");
  Apply(update);

  EXPECT_EQ(table_->Find(kHarbor), nullptr);
}

TEST_F(TableUpdaterTest, KeepsABundleNoLongerThanARouteNamesIt) {
  std::weak_ptr<SSL_CTX> last;
  for (int rotation = 0; rotation < 5; ++rotation) {
    ApplyRouteWithCa(kHarbor, testing_support::MakeCaPem());
    EXPECT_TRUE(last.expired()) << "nobody uses the bundle before";
    last = table_->Find(kHarbor)->tls;
  }

  ApplyRoute(kHarbor, "https://harbor.example.com");

  EXPECT_TRUE(last.expired());
}

TEST_F(TableUpdaterTest, KeepsTheBundleOfARouteThatWasNotUnderstood) {
  const std::string pem = testing_support::MakeCaPem();
  pb::WatchRoutesResponse update;
  AddBundle(update, pem);
  AddRoute(update, kHarbor, "not an origin")->set_ca_digest(crypto::Sha256Hex(pem));
  Apply(update);
  pb::WatchRoutesResponse mended;
  AddRoute(mended, kHarbor)->set_ca_digest(crypto::Sha256Hex(pem));
  Apply(mended);

  EXPECT_NE(table_->Find(kHarbor), nullptr) << "the broker sends a bundle once";
}

TEST_F(TableUpdaterTest, ForgetsTheCountersOfAConnectorThatIsGone) {
  ApplyRoute(kHarbor, "https://harbor.example.com");
  const std::weak_ptr<RouteStats> counters = table_->Find(kHarbor)->stats;
  pb::WatchRoutesResponse update;
  update.add_removed()->set_namespace_("default");
  update.mutable_removed(0)->set_name("harbor");
  Apply(update);

  EXPECT_TRUE(counters.expired());
}

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
  AddBundle(update, "no certificate");
  AddRoute(update, kHarbor)->set_ca_digest(crypto::Sha256Hex("no certificate"));

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

}  // namespace
}  // namespace connector::dataplane::routes
