#include "common/base/encoding.h"

#include <gtest/gtest.h>

namespace connector {
namespace {

TEST(Base64, EncodesTheVectorsOfRfc4648) {
  EXPECT_EQ(Base64Encode(""), "");
  EXPECT_EQ(Base64Encode("f"), "Zg==");
  EXPECT_EQ(Base64Encode("fo"), "Zm8=");
  EXPECT_EQ(Base64Encode("foo"), "Zm9v");
  EXPECT_EQ(Base64UrlEncode("\xFB\xFF"), "-_8");
}

TEST(Base64, DecodesWhatItEncodes) {
  EXPECT_EQ(Base64Decode("Zm8="), "fo");
  EXPECT_EQ(Base64UrlDecode("-_8"), "\xFB\xFF");
}

TEST(Base64, RefusesAnythingThatIsNotTheOneEncoding) {
  EXPECT_EQ(Base64Decode("Zm8"), std::nullopt) << "missing padding";
  EXPECT_EQ(Base64Decode("Zm9="), std::nullopt) << "bits left over";
  EXPECT_EQ(Base64Decode("Zm8\n"), std::nullopt) << "white space";
  EXPECT_EQ(Base64Decode("===="), std::nullopt) << "padding only";
  EXPECT_EQ(Base64UrlDecode("Zm8="), std::nullopt) << "padding in the URL form";
  EXPECT_EQ(Base64UrlDecode("Z"), std::nullopt) << "six bits are no byte";
  EXPECT_EQ(Base64UrlDecode("-_9"), std::nullopt) << "bits left over";
}

TEST(Hex, IsLowerCase) {
  EXPECT_EQ(HexEncode("\x01\xAB"), "01ab");
}

}  // namespace
}  // namespace connector
