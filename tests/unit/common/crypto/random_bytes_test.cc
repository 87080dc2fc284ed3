#include "common/crypto/random_bytes.h"

#include <gtest/gtest.h>

#include <array>

namespace connector::crypto {
namespace {

TEST(FillRandomBytes, FillsAllOfThemAnewEachTime) {
  std::array<unsigned char, 64> first{};
  std::array<unsigned char, 64> second{};

  ASSERT_TRUE(FillRandomBytes(first));
  ASSERT_TRUE(FillRandomBytes(second));

  EXPECT_NE(first, second);
  EXPECT_NE(first, (std::array<unsigned char, 64>{}));
}

}  // namespace
}  // namespace connector::crypto
