#include "broker/secrets/vault/lease.h"

#include <gtest/gtest.h>

namespace connector::broker::secrets {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const VaultTime kNow = VaultTime() + std::chrono::hours(1000);

TEST(NextCareOf, RenewsAtTwoThirds) {
  const NextCare next = NextCareOf({kNow, seconds(30), seconds(30), true});

  EXPECT_EQ(next.what, Care::kRenew);
  EXPECT_EQ(next.at, kNow + seconds(20));
}

TEST(NextCareOf, ReplacesWhatCannotBeRenewed) {
  EXPECT_EQ(NextCareOf({kNow, seconds(30), seconds(30), false}).what, Care::kReplace);
}

TEST(NextCareOf, ReplacesWhatARenewalGrantedLessThanItAskedFor) {
  const NextCare next = NextCareOf({kNow, seconds(12), seconds(30), true});

  EXPECT_EQ(next.what, Care::kReplace);
  EXPECT_EQ(next.at, kNow + seconds(8));
}

TEST(NextCareOf, LeavesAloneWhatDoesNotEnd) {
  EXPECT_EQ(NextCareOf({kNow, seconds(0), seconds(0), true}).what, Care::kNone);
  EXPECT_FALSE((Life{kNow, seconds(0), seconds(0), true}).End().has_value());
}

TEST(RetryCareAt, TriesAgainAfterAThirdOfWhatIsLeft) {
  const Life life{kNow, seconds(30), seconds(30), true};

  EXPECT_EQ(RetryCareAt(life, kNow + seconds(21)), kNow + seconds(24));
  EXPECT_EQ(RetryCareAt(life, kNow + milliseconds(29900)), kNow + milliseconds(30150));
  EXPECT_EQ(RetryCareAt(life, kNow + seconds(40)), kNow + seconds(40) + kShortestRetry);
}

}  // namespace
}  // namespace connector::broker::secrets
