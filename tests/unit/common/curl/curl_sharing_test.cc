#include "common/curl/curl_sharing.h"

#include <gtest/gtest.h>

namespace connector::curl {
namespace {

CURL* Transfer(int number) {
  static char transfers[8];
  return &transfers[number];
}

TEST(CurlSharing, LetsOneMakeTheFirstConnection) {
  CurlSharing sharing;

  EXPECT_TRUE(sharing.MayBegin(0));
  sharing.Begun(Transfer(0), 0);

  EXPECT_FALSE(sharing.MayBegin(1));
}

TEST(CurlSharing, LetsAsManyJoinAsThereIsRoomFor) {
  CurlSharing sharing;
  sharing.Begun(Transfer(0), 0);
  sharing.Connected(Transfer(0), 7, true);

  EXPECT_TRUE(sharing.MayBegin(kStreamsPerConnection - 1));
  sharing.Begun(Transfer(1), kStreamsPerConnection - 1);
  EXPECT_TRUE(sharing.MayBegin(kStreamsPerConnection)) << "who makes the second connection";
  sharing.Begun(Transfer(2), kStreamsPerConnection);
  EXPECT_FALSE(sharing.MayBegin(kStreamsPerConnection + 1));
}

TEST(CurlSharing, CountsNoRoomOfAConnectionThatIsClosed) {
  CurlSharing sharing;
  sharing.Begun(Transfer(0), 0);
  sharing.Connected(Transfer(0), 7, true);
  sharing.Closed(7);

  sharing.Begun(Transfer(1), 1);

  EXPECT_FALSE(sharing.MayBegin(2));
}

TEST(CurlSharing, SaysThatWhoOthersWaitedForFailed) {
  CurlSharing sharing;
  sharing.Begun(Transfer(0), 0);

  EXPECT_TRUE(sharing.Ended(Transfer(0)));
  EXPECT_FALSE(sharing.Ended(Transfer(0)));
  EXPECT_TRUE(sharing.MayBegin(0));
}

TEST(CurlSharing, SharesNothingWithAServerThatDoesNot) {
  CurlSharing sharing;
  sharing.Begun(Transfer(0), 0);
  sharing.Connected(Transfer(0), 7, false);

  EXPECT_TRUE(sharing.MayBegin(1));
  sharing.Begun(Transfer(1), 1);
  EXPECT_TRUE(sharing.MayBegin(2));
}

}  // namespace
}  // namespace connector::curl
