#include "common/program/open_files.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

namespace connector::program {
namespace {

TEST(TheLimitOfOpenFiles, IsRaisedAsFarAsItMayBe) {
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit lower{limit.rlim_cur - 1, limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &lower), 0);

  EXPECT_EQ(RaiseOpenFilesLimit(), limit.rlim_max);

  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_EQ(limit.rlim_cur, limit.rlim_max);
}

TEST(ConnectionsThatFitIntoOpenFiles, AreAsManyAsAreWantedWhereThereIsRoom) {
  EXPECT_EQ(ConnectionsThatFit(20'000, 8192), 8192U);
}

TEST(ConnectionsThatFitIntoOpenFiles, LeaveRoomForRegistriesAndAllElse) {
  EXPECT_EQ(ConnectionsThatFit(1024, 8192), 384U);
  EXPECT_EQ(ConnectionsThatFit(100, 8192), 25U);
}

TEST(ConnectionsThatFitIntoOpenFiles, AreNeverNone) {
  EXPECT_EQ(ConnectionsThatFit(0, 8192), 1U);
}

}  // namespace
}  // namespace connector::program
