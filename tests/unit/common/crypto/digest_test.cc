#include "common/crypto/digest.h"

#include "common/base/encoding.h"

#include <gtest/gtest.h>

#include <string>

namespace connector::crypto {
namespace {

TEST(Sha256Hex, AgreesWithFips180) {
  EXPECT_EQ(Sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Sha256Hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(HmacSha256, AgreesWithRfc4231) {
  EXPECT_EQ(HexEncode(HmacSha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(HkdfSha256, AgreesWithRfc5869) {
  EXPECT_EQ(HexEncode(HkdfSha256(std::string(22, '\x0b'), "", 42).Reveal()),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8")
      << "test case 3: neither salt nor info";
}

TEST(HkdfSha256, GivesEveryPurposeItsOwnKey) {
  const std::string root(32, 'k');
  EXPECT_NE(HkdfSha256(root, "a", 32).Reveal(), HkdfSha256(root, "b", 32).Reveal());
  EXPECT_NE(HkdfSha256(root, "a", 32).Reveal(), HkdfSha256(std::string(32, 'l'), "a", 32).Reveal());
}

}  // namespace
}  // namespace connector::crypto
