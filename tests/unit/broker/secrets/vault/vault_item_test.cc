#include "broker/secrets/vault/vault_item.h"

#include <gtest/gtest.h>

namespace connector::broker::secrets {
namespace {

using std::chrono::seconds;

const VaultTime kNow = VaultTime() + std::chrono::hours(1000);

VaultItem Leased(seconds ttl, seconds requested_ttl) {
  VaultItem item;
  item.lease = std::make_shared<VaultLease>();
  item.lease->generation = 1;
  item.lease->terms = {kNow, ttl, requested_ttl, true};
  item.next = kNow + seconds(500);
  return item;
}

StoredSecret Pair(const char* password) {
  StoredSecret out;
  out.type = "Opaque";
  out.data.emplace("username", Secret("u"));
  out.data.emplace("password", Secret(password));
  return out;
}

TEST(VaultItem, JudgesTheContentAsEveryStoreDoes) {
  VaultItem item;
  item.ref = {"ns", {}, resource::VaultLocation{"", "secret/data/x"}};
  EXPECT_FALSE(item.WantAlso({{"r.example"}})) << "nothing was read yet";
  item.answered = true;
  EXPECT_TRUE(item.WantAlso({{"r.example"}, {"other.example"}}));
  EXPECT_FALSE(item.WantAlso({{"r.example"}, {"other.example"}})) << "as before";

  item.Judge(Pair("p\n"));
  EXPECT_EQ(item.seen.problem, "");
  EXPECT_EQ(item.seen.lacks.size(), 2U);
  EXPECT_NE(item.seen.lacks.at({"r.example"}).find("secret/data/x in Vault has a line break"),
            std::string::npos);

  item.Judge(Pair("p"));
  EXPECT_TRUE(item.seen.lacks.empty());
  item.Judge({});
  EXPECT_NE(item.seen.problem, "") << "by the Connector's own names";
}

TEST(VaultItem, RenewsALeaseAtTwoThirds) {
  const VaultWatchPlan plan = Leased(seconds(30), seconds(30)).Plan(1, true, kNow);

  EXPECT_EQ(plan.action, VaultWatchAction::kRenewLease);
  EXPECT_EQ(plan.at, kNow + seconds(20));
}

TEST(VaultItem, ReadsANewCredentialWhenALeaseHasMetItsMaximum) {
  EXPECT_EQ(Leased(seconds(10), seconds(30)).Plan(1, true, kNow).action, VaultWatchAction::kRead);
}

TEST(VaultItem, ReadsANewCredentialAtOnceWhenTheLoginIsAnotherOrGone) {
  for (const auto& [generation, alive] : {std::pair{2, true}, std::pair{0, false}}) {
    const VaultWatchPlan plan = Leased(seconds(30), seconds(30)).Plan(generation, alive, kNow);
    EXPECT_EQ(plan.action, VaultWatchAction::kRead);
    EXPECT_EQ(plan.at, kNow);
  }
}

TEST(VaultItem, WaitsAfterAFailedRenewalAsItWasTold) {
  VaultItem item = Leased(seconds(30), seconds(30));
  item.renew_at = kNow + seconds(23);

  EXPECT_EQ(item.Plan(1, true, kNow).at, kNow + seconds(23));
}

TEST(VaultItem, ReadsInTurnWhenTheLeaseHasEnded) {
  const VaultWatchPlan plan = Leased(seconds(30), seconds(30)).Plan(1, true, kNow + seconds(30));

  EXPECT_EQ(plan.action, VaultWatchAction::kRead);
  EXPECT_EQ(plan.at, kNow + seconds(500));
}

TEST(VaultItem, PollsMetadataOnceItKnowsThemAndMayReadThem) {
  VaultItem item;
  EXPECT_EQ(item.Plan(1, false, kNow).action, VaultWatchAction::kRead) << "nothing is known yet";
  item.kv.emplace();
  EXPECT_EQ(item.Plan(1, false, kNow).action, VaultWatchAction::kReadMetadata);
  item.metadata_refused_in = 1;
  EXPECT_EQ(item.Plan(1, false, kNow).action, VaultWatchAction::kRead);
  EXPECT_EQ(item.Plan(2, false, kNow).action, VaultWatchAction::kReadMetadata)
      << "another login may";
}

TEST(VaultItem, LooksAgainAfterTheIntervalWithJitterAndSoonerAfterAFailure) {
  VaultItem item;
  item.SetNext(seconds(10), kNow, 0.0);
  EXPECT_EQ(item.next, kNow + seconds(9));
  item.SetNext(seconds(10), kNow, 0.5);
  EXPECT_EQ(item.next, kNow + seconds(10));
  item.seen.last_error = "down";
  item.SetNext(seconds(10), kNow, 0.0);
  EXPECT_EQ(item.next, kNow + seconds(5));
}

}  // namespace
}  // namespace connector::broker::secrets
