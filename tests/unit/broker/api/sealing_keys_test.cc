#include "broker/api/sealing_keys.h"

#include "tests/support/cpp/fake_clock.h"
#include "tests/support/cpp/root_keys.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

namespace connector::broker::api {
namespace {

using root_key::RootKeys;
using testing_support::MakeRootKeys;

const WallTime kStart = WallTime{} + 40000 * kSealingPeriod;  // The first moment of a period.

std::vector<std::string> Bytes(const RootKeys& roots, WallTime now) {
  std::vector<std::string> bytes;
  for (const SealingKey& key : SealingKeysAt(roots, now)) {
    bytes.emplace_back(key.key.Reveal());
  }
  return bytes;
}

std::map<std::uint32_t, std::string> ById(const RootKeys& roots) {
  std::map<std::uint32_t, std::string> out;
  for (const SealingKey& key : SealingKeysAt(roots, kStart)) {
    out.emplace(key.id, key.key.Reveal());
  }
  return out;
}

TEST(SealingKeys, AreThoseOfThePeriodBeforeOfThisAndOfTheNext) {
  const RootKeys roots = MakeRootKeys("r");
  const auto keys = SealingKeysAt(roots, kStart);

  ASSERT_EQ(keys.size(), 3U);
  for (std::uint32_t i = 0; i < 3; ++i) {
    EXPECT_EQ(keys[i].id & 0xFFFFU, 39999 + i);
    EXPECT_EQ(keys[i].id >> 16U, root_key::TagOf(roots.current()));
    EXPECT_EQ(keys[i].current, i == 1);
    EXPECT_EQ(keys[i].key.Reveal().size(), kSealingKeyBytes);
  }
  const auto bytes = Bytes(roots, kStart);
  EXPECT_EQ(std::set<std::string>(bytes.begin(), bytes.end()).size(), 3U);
}

TEST(SealingKeys, StayTheSameThroughAPeriodAndMoveOnByOneAfterIt) {
  const RootKeys roots = MakeRootKeys("r");
  const auto now = Bytes(roots, kStart);
  EXPECT_EQ(Bytes(roots, kStart + kSealingPeriod - std::chrono::seconds(1)), now);

  const auto next = Bytes(roots, kStart + kSealingPeriod);
  EXPECT_EQ(next[0], now[1]);
  EXPECT_EQ(next[1], now[2]);
}

TEST(SealingKeySource, AnswersWithTheKeysOfThePeriodThatItIs) {
  testing_support::FakeClock clock;
  root_key::ActiveRootKeys active(testing_support::ShareRootKeys("r"));
  const SealingKeySource source(active, clock);
  const auto keys = [&] {
    v1::GetSealingKeysResponse response;
    source.Fill(response);
    std::vector<std::string> bytes;
    for (const v1::SealingKey& key : response.keys()) {
      bytes.push_back(key.key());
    }
    EXPECT_TRUE(response.keys(1).current());
    EXPECT_EQ(response.ask_again_after().seconds(), kAskForKeysAgainAfter.count());
    return bytes;
  };
  const auto now = keys();
  EXPECT_EQ(now, Bytes(MakeRootKeys("r"), clock.Now()));

  clock.Advance(kSealingPeriod);
  EXPECT_EQ(keys()[0], now[1]);

  active.Replace(testing_support::ShareRootKeys("sr"));
  EXPECT_EQ(keys(), Bytes(MakeRootKeys("sr"), clock.Now()));
}

TEST(SealingKeys, DependOnTheRootKey) {
  EXPECT_NE(Bytes(MakeRootKeys("r"), kStart), Bytes(MakeRootKeys("s"), kStart));
}

TEST(SealingKeys, AreThoseOfEachRootKeyUnderTheSameIdsWhicheverIsTheCurrentOne) {
  auto both = ById(MakeRootKeys("r"));
  both.merge(ById(MakeRootKeys("s")));

  EXPECT_EQ(both.size(), 6U);
  EXPECT_EQ(ById(MakeRootKeys("rs")), both);
  EXPECT_EQ(ById(MakeRootKeys("sr")), both);
}

TEST(SealingKeys, AreSealedWithThatOfTheCurrentRootKey) {
  std::vector<std::uint32_t> current;
  for (const SealingKey& key : SealingKeysAt(MakeRootKeys("sr"), kStart)) {
    if (key.current) {
      current.push_back(key.id >> 16U);
    }
  }
  EXPECT_EQ(current, std::vector<std::uint32_t>{root_key::TagOf(MakeRootKeys("s").current())});
}

}  // namespace
}  // namespace connector::broker::api
