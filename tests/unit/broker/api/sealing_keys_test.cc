#include "broker/api/sealing_keys.h"

#include "tests/support/cpp/fake_clock.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace connector::broker::api {
namespace {

const WallTime kStart = WallTime{} + 40000 * kSealingPeriod;  // The first moment of a period.

std::vector<std::string> Bytes(const Secret& root, WallTime now) {
  std::vector<std::string> bytes;
  for (const SealingKey& key : SealingKeysAt(root, now)) {
    bytes.emplace_back(key.key.Reveal());
  }
  return bytes;
}

TEST(SealingKeys, AreThoseOfThePeriodBeforeOfThisAndOfTheNext) {
  const Secret root(std::string(32, 'r'));
  const auto keys = SealingKeysAt(root, kStart);

  ASSERT_EQ(keys.size(), 3U);
  for (std::uint32_t i = 0; i < 3; ++i) {
    EXPECT_EQ(keys[i].id, 39999 + i);
    EXPECT_EQ(keys[i].current, i == 1);
    EXPECT_EQ(keys[i].key.Reveal().size(), kSealingKeyBytes);
  }
  const auto bytes = Bytes(root, kStart);
  EXPECT_EQ(std::set<std::string>(bytes.begin(), bytes.end()).size(), 3U);
}

TEST(SealingKeys, StayTheSameThroughAPeriodAndMoveOnByOneAfterIt) {
  const Secret root(std::string(32, 'r'));
  const auto now = Bytes(root, kStart);
  EXPECT_EQ(Bytes(root, kStart + kSealingPeriod - std::chrono::seconds(1)), now);

  const auto next = Bytes(root, kStart + kSealingPeriod);
  EXPECT_EQ(next[0], now[1]);
  EXPECT_EQ(next[1], now[2]);
}

TEST(SealingKeySource, AnswersWithTheKeysOfThePeriodThatItIs) {
  testing_support::FakeClock clock;
  const SealingKeySource source(Secret(std::string(32, 'r')), clock);
  const auto keys = [&] {
    v1::GetSealingKeysResponse response;
    source.Fill(response);
    std::vector<std::string> bytes;
    for (const v1::SealingKey& key : response.keys()) {
      bytes.push_back(key.key());
    }
    EXPECT_EQ(bytes.size(), 3U);
    EXPECT_TRUE(response.keys(1).current());
    EXPECT_EQ(response.ask_again_after().seconds(), kAskForKeysAgainAfter.count());
    return bytes;
  };
  const auto now = keys();
  EXPECT_EQ(now, Bytes(Secret(std::string(32, 'r')), clock.Now()));

  clock.Advance(kSealingPeriod);

  EXPECT_EQ(keys()[0], now[1]);
}

TEST(SealingKeys, DependOnTheRootKey) {
  EXPECT_NE(Bytes(Secret(std::string(32, 'r')), kStart),
            Bytes(Secret(std::string(32, 's')), kStart));
}

}  // namespace
}  // namespace connector::broker::api
