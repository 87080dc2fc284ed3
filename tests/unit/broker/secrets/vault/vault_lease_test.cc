#include "broker/secrets/vault/vault_lease.h"

#include <gtest/gtest.h>

namespace connector::broker::secrets {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const VaultTime kVaultLeaseNow = VaultTime() + std::chrono::hours(1000);

TEST(NextRenewalOf, RenewsAtTwoThirds) {
  const NextRenewal next = NextRenewalOf({kVaultLeaseNow, seconds(30), seconds(30), true});

  EXPECT_EQ(next.action, RenewalAction::kRenew);
  EXPECT_EQ(next.at, kVaultLeaseNow + seconds(20));
}

TEST(NextRenewalOf, ReplacesWhatCannotBeRenewed) {
  EXPECT_EQ(NextRenewalOf({kVaultLeaseNow, seconds(30), seconds(30), false}).action,
            RenewalAction::kReplace);
}

TEST(NextRenewalOf, ReplacesWhatARenewalGrantedLessThanItAskedFor) {
  const NextRenewal next = NextRenewalOf({kVaultLeaseNow, seconds(12), seconds(30), true});

  EXPECT_EQ(next.action, RenewalAction::kReplace);
  EXPECT_EQ(next.at, kVaultLeaseNow + seconds(8));
}

TEST(NextRenewalOf, LeavesAloneWhatDoesNotEnd) {
  EXPECT_EQ(NextRenewalOf({kVaultLeaseNow, seconds(0), seconds(0), true}).action,
            RenewalAction::kNone);
  EXPECT_FALSE((LeaseTerms{kVaultLeaseNow, seconds(0), seconds(0), true}).End().has_value());
}

TEST(RetryAt, TriesAgainAfterAThirdOfWhatIsLeft) {
  const LeaseTerms terms{kVaultLeaseNow, seconds(30), seconds(30), true};

  EXPECT_EQ(RetryAt(terms, kVaultLeaseNow + seconds(21)), kVaultLeaseNow + seconds(24));
  EXPECT_EQ(RetryAt(terms, kVaultLeaseNow + milliseconds(29900)),
            kVaultLeaseNow + milliseconds(30150));
  EXPECT_EQ(RetryAt(terms, kVaultLeaseNow + seconds(40)),
            kVaultLeaseNow + seconds(40) + kShortestRetry);
}

}  // namespace
}  // namespace connector::broker::secrets
