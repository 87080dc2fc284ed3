#include "common/crypto/seal.h"

#include "common/base/encoding.h"
#include "tests/support/cpp/result_matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <variant>

namespace connector::crypto {
namespace {

using testing_support::HasError;
using testing_support::HasValue;

Secret Key(char fill) {
  return Secret(std::string(kSealKeyBytes, fill));
}

SealKeys Keys() {
  SealKeys keys;
  EXPECT_TRUE(keys.Add(7, Key('a')).has_value());
  EXPECT_TRUE(keys.Add(8, Key('b')).has_value());
  EXPECT_TRUE(keys.SetCurrent(8).has_value());
  return keys;
}

std::string Sealed(const SealKeys& keys, std::string_view plaintext) {
  return *Seal(keys, "test", plaintext);
}

TEST(Seal, OpensToWhatWasSealed) {
  const SealKeys keys = Keys();
  for (const std::string& plaintext : {std::string(), std::string("x"), std::string(9000, '\0')}) {
    EXPECT_EQ(Open(keys, "test", Sealed(keys, plaintext)),
              (std::variant<std::string, OpenFailure>(plaintext)));
  }
}

TEST(Seal, WritesOnlyWhatAPathSegmentMayHold) {
  EXPECT_THAT(Sealed(Keys(), "state"), ::testing::MatchesRegex("[-A-Za-z0-9_]+"));
}

TEST(Seal, NeverWritesTheSameTwice) {
  const SealKeys keys = Keys();
  EXPECT_NE(Sealed(keys, "state"), Sealed(keys, "state"));
}

TEST(Seal, NeedsACurrentKey) {
  SealKeys keys;
  ASSERT_TRUE(keys.Add(1, Key('a')).has_value());
  EXPECT_THAT(Seal(keys, "test", "x"), HasError(ErrorCode::kUnavailable));
}

TEST(Seal, RefusesMoreThanAMebibyte) {
  EXPECT_THAT(Seal(Keys(), "test", std::string(1024 * 1024 + 1, 'x')),
              HasError(ErrorCode::kInvalidArgument));
}

TEST(SealKeys, RefusesAKeyOfAnotherLengthAndASecondOfOneId) {
  SealKeys keys;
  EXPECT_THAT(keys.Add(1, Secret("short")), HasError(ErrorCode::kInvalidArgument));
  EXPECT_THAT(keys.Add(1, Key('a')), HasValue(Done{}));
  EXPECT_THAT(keys.Add(1, Key('b')), HasError(ErrorCode::kInvalidArgument));
  EXPECT_THAT(keys.SetCurrent(2), HasError(ErrorCode::kNotFound));
}

TEST(Open, OpensWhatAPreviousKeySealed) {
  SealKeys before;
  ASSERT_TRUE(before.Add(7, Key('a')).has_value());
  ASSERT_TRUE(before.SetCurrent(7).has_value());

  EXPECT_EQ(Open(Keys(), "test", Sealed(before, "old")),
            (std::variant<std::string, OpenFailure>(std::string("old"))));
}

TEST(Open, SaysThatAKeyIsUnknown) {
  SealKeys other;
  ASSERT_TRUE(other.Add(9, Key('a')).has_value());
  EXPECT_EQ(Open(other, "test", Sealed(Keys(), "x")),
            (std::variant<std::string, OpenFailure>(OpenFailure::kUnknownKey)));
}

TEST(Open, RefusesAnotherKeyUnderTheSameId) {
  SealKeys other;
  ASSERT_TRUE(other.Add(8, Key('z')).has_value());
  EXPECT_EQ(Open(other, "test", Sealed(Keys(), "x")),
            (std::variant<std::string, OpenFailure>(OpenFailure::kForged)));
}

TEST(Open, RefusesWhatWasSealedForAnotherPurpose) {
  const SealKeys keys = Keys();
  EXPECT_EQ(Open(keys, "other", Sealed(keys, "x")),
            (std::variant<std::string, OpenFailure>(OpenFailure::kForged)));
}

TEST(Open, RefusesEveryChangedBit) {
  SealKeys keys;  // One key value under every id that a changed header may name.
  for (const std::uint32_t id : {8U, 9U, 10U, 12U, 0U, 24U}) {
    ASSERT_TRUE(keys.Add(id, Key('b')).has_value());
  }
  ASSERT_TRUE(keys.SetCurrent(8).has_value());
  const std::string bytes = *Base64UrlDecode(Sealed(keys, "the state"));
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      std::string changed = bytes;
      changed[at] = static_cast<char>(static_cast<unsigned char>(changed[at]) ^ (1U << bit));
      EXPECT_TRUE(std::holds_alternative<OpenFailure>(Open(keys, "test", Base64UrlEncode(changed))))
          << at << "/" << bit;
    }
  }
}

TEST(Open, SaysThatAnotherVersionIsMalformed) {
  const SealKeys keys = Keys();
  std::string bytes = *Base64UrlDecode(Sealed(keys, "x"));
  bytes[0] = 2;
  EXPECT_EQ(Open(keys, "test", Base64UrlEncode(bytes)),
            (std::variant<std::string, OpenFailure>(OpenFailure::kMalformed)));
}

TEST(Open, RefusesEveryTruncation) {
  const SealKeys keys = Keys();
  const std::string sealed = Sealed(keys, "the state");
  for (std::size_t size = 0; size < sealed.size(); ++size) {
    EXPECT_TRUE(std::holds_alternative<OpenFailure>(Open(keys, "test", sealed.substr(0, size))));
  }
}

TEST(Open, SaysThatOtherTextIsMalformed) {
  const SealKeys keys = Keys();
  const std::string sealed = Sealed(keys, "x");
  for (const std::string& text : {std::string(),
                                  std::string("abc"),
                                  sealed + "=",
                                  sealed + "!",
                                  "A" + sealed,
                                  std::string(kSealOverheadBytes, 'A')}) {
    EXPECT_TRUE(std::holds_alternative<OpenFailure>(Open(keys, "test", text))) << text;
  }
  EXPECT_EQ(Open(keys, "test", sealed + "="),
            (std::variant<std::string, OpenFailure>(OpenFailure::kMalformed)));
}

}  // namespace
}  // namespace connector::crypto
