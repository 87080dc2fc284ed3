#include "common/routing/address_class.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

namespace connector::routing {
namespace {

AddressClass ClassOf(const std::string& text) {
  const std::optional<IpAddress> address = IpAddress::Parse(text);
  EXPECT_TRUE(address) << text;
  return address ? Classify(*address).kind : AddressClass::kSpecial;
}

struct Block {
  const char* name;
  AddressClass kind;
  const char* first;
  const char* last;

  friend void PrintTo(const Block& row, std::ostream* os) { *os << row.name; }
};

class ABlockOfAddresses : public ::testing::TestWithParam<Block> {};

TEST_P(ABlockOfAddresses, IsOfOneKindFromItsFirstToItsLast) {
  EXPECT_EQ(ClassOf(GetParam().first), GetParam().kind);
  EXPECT_EQ(ClassOf(GetParam().last), GetParam().kind);
}

constexpr auto kPublic = AddressClass::kPublic;
constexpr auto kPrivate = AddressClass::kPrivate;
constexpr auto kLoopback = AddressClass::kLoopback;
constexpr auto kSpecial = AddressClass::kSpecial;

INSTANTIATE_TEST_SUITE_P(
    Table,
    ABlockOfAddresses,
    ::testing::Values(
        Block{"Unspecified", kSpecial, "0.0.0.0", "0.255.255.255"},
        Block{"Public1To9", kPublic, "1.1.1.1", "9.255.255.255"},
        Block{"Private10", kPrivate, "10.0.0.0", "10.255.255.255"},
        Block{"PublicBelowNat", kPublic, "11.0.0.0", "100.63.255.255"},
        Block{"CarrierGradeNat", kPrivate, "100.64.0.0", "100.127.255.255"},
        Block{"AlibabasMetadata", kSpecial, "100.100.100.200", "100.100.100.200"},
        Block{"PublicBelowLoopback", kPublic, "100.128.0.0", "126.255.255.255"},
        Block{"Loopback", kLoopback, "127.0.0.0", "127.255.255.255"},
        Block{"PublicBelowLinkLocal", kPublic, "128.0.0.0", "169.253.255.255"},
        Block{"LinkLocal", kSpecial, "169.254.0.0", "169.254.255.255"},
        Block{"CloudMetadata", kSpecial, "169.254.169.254", "169.254.170.2"},
        Block{"AzuresHost", kSpecial, "168.63.129.16", "168.63.129.16"},
        Block{"BesideAzuresHost", kPublic, "168.63.129.15", "168.63.129.17"},
        Block{"PublicBelow172", kPublic, "169.255.0.0", "172.15.255.255"},
        Block{"Private172", kPrivate, "172.16.0.0", "172.31.255.255"},
        Block{"ProtocolAssignmentsAndOracle", kSpecial, "192.0.0.0", "192.0.0.255"},
        Block{"Documentation1", kSpecial, "192.0.2.0", "192.0.2.255"},
        Block{"As112", kSpecial, "192.31.196.1", "192.175.48.1"},
        Block{"Amt", kSpecial, "192.52.193.0", "192.52.193.255"},
        Block{"SixToFourRelay", kSpecial, "192.88.99.0", "192.88.99.255"},
        Block{"PublicBelow192168", kPublic, "172.32.0.0", "192.167.255.255"},
        Block{"Private192", kPrivate, "192.168.0.0", "192.168.255.255"},
        Block{"Benchmarking", kPrivate, "198.18.0.0", "198.19.255.255"},
        Block{"AroundBenchmarking", kPublic, "198.17.255.255", "198.20.0.0"},
        Block{"Documentation2", kSpecial, "198.51.100.0", "198.51.100.255"},
        Block{"Documentation3", kSpecial, "203.0.113.0", "203.0.113.255"},
        Block{"PublicBelowMulticast", kPublic, "192.169.0.0", "223.255.255.255"},
        Block{"Multicast", kSpecial, "224.0.0.0", "239.255.255.255"},
        Block{"ReservedAndBroadcast", kSpecial, "240.0.0.0", "255.255.255.255"},
        Block{"Ipv6Unspecified", kSpecial, "::", "::5"},
        Block{"Ipv6Loopback", kLoopback, "::1", "0:0:0:0:0:0:0:1"},
        Block{"MappedPublic", kPublic, "::ffff:8.8.8.8", "::ffff:808:808"},
        Block{"MappedPrivate", kPrivate, "::ffff:10.0.0.1", "::ffff:192.168.0.1"},
        Block{"MappedLoopback", kLoopback, "::ffff:127.0.0.1", "::ffff:7f00:1"},
        Block{"MappedMetadata", kSpecial, "::ffff:169.254.169.254", "::ffff:a9fe:a9fe"},
        Block{"MappedUnspecified", kSpecial, "::ffff:0.0.0.0", "::ffff:0:0"},
        Block{"CompatibleLoopback", kLoopback, "::127.0.0.1", "::127.9.9.9"},
        Block{"Nat64Public", kPublic, "64:ff9b::8.8.8.8", "64:ff9b::808:808"},
        Block{"Nat64Loopback", kLoopback, "64:ff9b::7f00:1", "64:ff9b::127.1.1.1"},
        Block{"Nat64Metadata", kSpecial, "64:ff9b::169.254.169.254", "64:ff9b::a9fe:a9fe"},
        Block{"Nat64Private", kPrivate, "64:ff9b::10.0.0.1", "64:ff9b::c0a8:1"},
        Block{"Nat64OfOneNetwork", kPrivate, "64:ff9b:1::", "64:ff9b:1:ffff::1"},
        Block{"Nat64WithBitsBetween", kSpecial, "64:ff9b::1:7f00:1", "64:ff9b:0:1::1"},
        Block{"DiscardOnly", kSpecial, "100::1", "100::ffff"},
        Block{"Teredo", kSpecial, "2001::1", "2001:0:ffff::1"},
        Block{"IetfAssignments", kSpecial, "2001:1::1", "2001:1ff::1"},
        Block{"Ipv6Documentation", kSpecial, "2001:db8::", "2001:db8:ffff::1"},
        Block{"Ipv6As112", kSpecial, "2620:4f:8000::1", "2620:4f:8000:ffff::1"},
        Block{"SixToFour", kSpecial, "2002:7f00:1::", "2002:808:808::1"},
        Block{"Ipv6DocumentationNew", kSpecial, "3fff::1", "3fff:fff::1"},
        Block{"Ipv6Public", kPublic, "2001:200::1", "3fff:1000::1"},
        Block{"Ipv6PublicToo", kPublic, "2606:4700::1111", "2a00:1450:4001::1"},
        Block{"UniqueLocal", kPrivate, "fc00::1", "fdff:ffff::1"},
        Block{"AwsMetadata", kSpecial, "fd00:ec2::254", "fd00:ec2::23"},
        Block{"GooglesMetadata", kSpecial, "fd20:ce::254", "fd20:ce::1"},
        Block{"ScalewaysMetadata", kSpecial, "fd00:42::42", "fd00:42::1"},
        Block{"Ipv6LinkLocal", kSpecial, "fe80::1", "febf::a9fe:a9fe"},
        Block{"SiteLocal", kSpecial, "fec0::1", "feff::1"},
        Block{"Ipv6Multicast", kSpecial, "ff02::1", "ffff::1"},
        Block{"NotGloballyAssigned", kSpecial, "4000::1", "5f00::1"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(IpAddress, OfAnyOtherLengthReachesNothing) {
  const std::vector<std::uint8_t> bytes(20, 8);
  for (const std::size_t size : {0U, 3U, 5U, 15U, 17U, 20U}) {
    EXPECT_EQ(Classify(IpAddress({bytes.data(), size})).kind, AddressClass::kSpecial) << size;
  }
}

// Resolvers read more forms than these; the address that they give is judged, and not the text.
TEST(IpAddress, IsReadInItsCommonFormsAlone) {
  for (const char* text : {"2130706433",
                           "0x7f000001",
                           "0x7f.0.0.1",
                           "0177.0.0.1",
                           "127.1",
                           "127.0.0.1.",
                           "127.0.0.1 ",
                           "[::1]",
                           "::1%lo",
                           "localhost",
                           ""}) {
    EXPECT_FALSE(IpAddress::Parse(text)) << text;
  }
}

TEST(ParseRange, TakesAddressesAndRanges) {
  for (const auto& [text, canonical] :
       std::vector<std::pair<std::string, std::string>>{{"10.0.0.0/8", "10.0.0.0/8"},
                                                        {"10.0.0.7", "10.0.0.7/32"},
                                                        {"0.0.0.0/0", "0.0.0.0/0"},
                                                        {"FD12::/16", "fd12::/16"},
                                                        {"::1", "::1/128"},
                                                        {"::ffff:10.0.0.7", "10.0.0.7/32"}}) {
    ASSERT_TRUE(ParseRange(text)) << text;
    EXPECT_EQ(ParseRange(text)->ToString(), canonical);
  }
}

TEST(ParseRange, TakesNothingElse) {
  for (const char* text : {"",
                           "/8",
                           "10.0.0.0/",
                           "10.0.0.0/33",
                           "10.0.0.0/-1",
                           "10.0.0.0/8x",
                           "10.0.0.1/8",
                           "10.128.0.0/8",
                           "fd12::1/16",
                           "fd12::/129",
                           "::ffff:0:0/96",
                           "::ffff:10.0.0.0/104",
                           "10/8",
                           "example.com"}) {
    EXPECT_FALSE(ParseRange(text)) << text;
  }
}

}  // namespace
}  // namespace connector::routing
