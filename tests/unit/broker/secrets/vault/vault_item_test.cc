#include "broker/secrets/vault/vault_item.h"

#include <gtest/gtest.h>

namespace connector::broker::secrets {
namespace {

using std::chrono::seconds;

const VaultTime kNow = VaultTime() + std::chrono::hours(1000);

VaultItem Leased(seconds ttl, seconds asked) {
  VaultItem item;
  item.lease = std::make_shared<VaultLease>();
  item.lease->generation = 1;
  item.lease->life = {kNow, ttl, asked, true};
  item.next = kNow + seconds(500);
  return item;
}

TEST(VaultItem, RenewsALeaseAtTwoThirds) {
  const VaultPlan plan = Leased(seconds(30), seconds(30)).Plan(1, true, kNow);

  EXPECT_EQ(plan.what, VaultCare::kRenewLease);
  EXPECT_EQ(plan.at, kNow + seconds(20));
}

TEST(VaultItem, ReadsANewCredentialWhenALeaseHasMetItsMaximum) {
  EXPECT_EQ(Leased(seconds(10), seconds(30)).Plan(1, true, kNow).what, VaultCare::kRead);
}

TEST(VaultItem, ReadsANewCredentialAtOnceWhenTheLoginIsAnotherOrGone) {
  for (const auto& [generation, alive] : {std::pair{2, true}, std::pair{0, false}}) {
    const VaultPlan plan = Leased(seconds(30), seconds(30)).Plan(generation, alive, kNow);
    EXPECT_EQ(plan.what, VaultCare::kRead);
    EXPECT_EQ(plan.at, kNow);
  }
}

TEST(VaultItem, WaitsAfterAFailedRenewalAsItWasTold) {
  VaultItem item = Leased(seconds(30), seconds(30));
  item.care_at = kNow + seconds(23);

  EXPECT_EQ(item.Plan(1, true, kNow).at, kNow + seconds(23));
}

TEST(VaultItem, ReadsInTurnWhenTheLeaseHasEnded) {
  const VaultPlan plan = Leased(seconds(30), seconds(30)).Plan(1, true, kNow + seconds(30));

  EXPECT_EQ(plan.what, VaultCare::kRead);
  EXPECT_EQ(plan.at, kNow + seconds(500));
}

TEST(VaultItem, PollsMetadataOnceItKnowsThemAndMayReadThem) {
  VaultItem item;
  EXPECT_EQ(item.Plan(1, false, kNow).what, VaultCare::kRead) << "nothing is known yet";
  item.kv.emplace();
  EXPECT_EQ(item.Plan(1, false, kNow).what, VaultCare::kReadMetadata);
  item.metadata_refused_in = 1;
  EXPECT_EQ(item.Plan(1, false, kNow).what, VaultCare::kRead);
  EXPECT_EQ(item.Plan(2, false, kNow).what, VaultCare::kReadMetadata) << "another login may";
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
