#include "dataplane/oci/address_policy.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <array>
#include <ostream>
#include <string>
#include <vector>

namespace connector::dataplane::oci {
namespace {

bool IsPublic(const std::string& text) {
  std::array<std::uint8_t, 16> bytes{};
  if (::inet_pton(AF_INET, text.c_str(), bytes.data()) == 1) {
    return IsPublicAddress({bytes.data(), 4});
  }
  EXPECT_EQ(::inet_pton(AF_INET6, text.c_str(), bytes.data()), 1) << text;
  return IsPublicAddress(bytes);
}

TEST(IsPublicAddress, IsTrueForThePublicInternet) {
  for (const char* text : {"1.1.1.1",         "8.8.8.8",     "9.255.255.255",   "11.0.0.0",
                           "100.63.255.255",  "100.128.0.0", "126.255.255.255", "128.0.0.0",
                           "169.253.255.255", "169.255.0.0", "172.15.255.255",  "172.32.0.0",
                           "192.167.255.255", "192.169.0.0", "198.17.255.255",  "198.20.0.0",
                           "223.255.255.255", "2001:200::1", "2606:4700::1111", "2a00:1450:4001::1",
                           "2003::1",         "3fff:1000::1"}) {
    EXPECT_TRUE(IsPublic(text)) << text;
  }
}

struct NotPublic {
  const char* name;
  const char* first;
  const char* last;

  friend void PrintTo(const NotPublic& row, std::ostream* os) { *os << row.name; }
};

class IsPublicAddressDenies : public ::testing::TestWithParam<NotPublic> {};

TEST_P(IsPublicAddressDenies, TheWholeRange) {
  EXPECT_FALSE(IsPublic(GetParam().first));
  EXPECT_FALSE(IsPublic(GetParam().last));
}

INSTANTIATE_TEST_SUITE_P(
    Table,
    IsPublicAddressDenies,
    ::testing::Values(NotPublic{"Unspecified", "0.0.0.0", "0.255.255.255"},
                      NotPublic{"Private10", "10.0.0.0", "10.255.255.255"},
                      NotPublic{"CarrierGradeNat", "100.64.0.0", "100.127.255.255"},
                      NotPublic{"Loopback", "127.0.0.1", "127.255.255.255"},
                      NotPublic{"LinkLocal", "169.254.0.0", "169.254.255.255"},
                      NotPublic{"CloudMetadata", "169.254.169.254", "169.254.170.2"},
                      NotPublic{"AzuresHost", "168.63.129.16", "168.63.129.16"},
                      NotPublic{"Private172", "172.16.0.0", "172.31.255.255"},
                      NotPublic{"Private192", "192.168.0.0", "192.168.255.255"},
                      NotPublic{"ProtocolAssignments", "192.0.0.0", "192.0.0.255"},
                      NotPublic{"Documentation1", "192.0.2.0", "192.0.2.255"},
                      NotPublic{"As112", "192.31.196.1", "192.175.48.1"},
                      NotPublic{"Amt", "192.52.193.0", "192.52.193.255"},
                      NotPublic{"SixToFourRelay", "192.88.99.0", "192.88.99.255"},
                      NotPublic{"Benchmarking", "198.18.0.0", "198.19.255.255"},
                      NotPublic{"Documentation2", "198.51.100.0", "198.51.100.255"},
                      NotPublic{"Documentation3", "203.0.113.0", "203.0.113.255"},
                      NotPublic{"Multicast", "224.0.0.0", "239.255.255.255"},
                      NotPublic{"ReservedAndBroadcast", "240.0.0.0", "255.255.255.255"},
                      NotPublic{"Ipv6UnspecifiedAndLoopback", "::", "::1"},
                      NotPublic{"Ipv4Mapped", "::ffff:127.0.0.1", "::ffff:8.8.8.8"},
                      NotPublic{"Ipv4Compatible", "::127.0.0.1", "::8.8.8.8"},
                      NotPublic{"Nat64", "64:ff9b::7f00:1", "64:ff9b:1::1"},
                      NotPublic{"DiscardOnly", "100::1", "100::ffff"},
                      NotPublic{"Teredo", "2001::1", "2001:0:ffff::1"},
                      NotPublic{"IetfAssignments", "2001:1::1", "2001:1ff::1"},
                      NotPublic{"Ipv6Documentation", "2001:db8::", "2001:db8:ffff::1"},
                      NotPublic{"Ipv6As112", "2620:4f:8000::1", "2620:4f:8000:ffff::1"},
                      NotPublic{"SixToFour", "2002:7f00:1::", "2002:808:808::1"},
                      NotPublic{"Ipv6DocumentationNew", "3fff::1", "3fff:fff::1"},
                      NotPublic{"UniqueLocal", "fc00::1", "fdff:ffff::1"},
                      NotPublic{"Ipv6LinkLocal", "fe80::1", "febf::1"},
                      NotPublic{"SiteLocal", "fec0::1", "feff::1"},
                      NotPublic{"Ipv6Multicast", "ff02::1", "ffff::1"},
                      NotPublic{"AwsIpv6Metadata", "fd00:ec2::254", "fd00:ec2::254"},
                      NotPublic{"NotGloballyAssigned", "4000::1", "5f00::1"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(IsPublicAddress, IsFalseForAnyOtherLength) {
  const std::vector<std::uint8_t> bytes(20, 8);
  for (const std::size_t size : {0U, 3U, 5U, 15U, 17U, 20U}) {
    EXPECT_FALSE(IsPublicAddress({bytes.data(), size})) << size;
  }
}

}  // namespace
}  // namespace connector::dataplane::oci
