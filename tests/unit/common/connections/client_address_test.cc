#include "common/connections/client_address.h"

#include <gtest/gtest.h>

#include <string>

namespace connector::connections {
namespace {

ClientAddress Of(const std::string& text) {
  return ClientAddress(asio::ip::make_address(text));
}

TEST(AClientAddress, IsOneIpv4Address) {
  EXPECT_EQ(Of("192.0.2.1"), Of("192.0.2.1"));
  EXPECT_FALSE(Of("192.0.2.1") == Of("192.0.2.2"));
}

TEST(AClientAddress, IsOneSlash64OfIpv6) {
  EXPECT_EQ(Of("2001:db8:0:1::1"), Of("2001:db8:0:1:ffff:ffff:ffff:ffff"));
  EXPECT_FALSE(Of("2001:db8:0:1::1") == Of("2001:db8:0:2::1"));
}

TEST(AClientAddress, IsTheSameOnAnIpv6Socket) {
  EXPECT_EQ(Of("::ffff:192.0.2.1"), Of("192.0.2.1"));
}

TEST(AClientAddress, OfIpv6IsNeverOneOfIpv4) {
  EXPECT_FALSE(Of("0:0:c000:201::") == Of("192.0.2.1"));
}

}  // namespace
}  // namespace connector::connections
