#include "dataplane/oci/address_policy.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace connector::dataplane::oci {
namespace {

// A prefix is the first `bits` of `bytes`.
struct Prefix {
  std::array<std::uint8_t, 16> bytes;
  unsigned bits;
};

constexpr std::array kSpecialIpv4 = {
    Prefix{{0}, 8},                  // This network, unspecified
    Prefix{{10}, 8},                 // Private
    Prefix{{100, 64}, 10},           // Carrier-grade NAT
    Prefix{{127}, 8},                // Loopback
    Prefix{{169, 254}, 16},          // Link-local, cloud metadata
    Prefix{{172, 16}, 12},           // Private
    Prefix{{192, 0, 0}, 24},         // IETF protocol assignments
    Prefix{{192, 0, 2}, 24},         // Documentation
    Prefix{{192, 31, 196}, 24},      // AS112
    Prefix{{192, 52, 193}, 24},      // AMT
    Prefix{{192, 88, 99}, 24},       // 6to4 relay
    Prefix{{192, 168}, 16},          // Private
    Prefix{{192, 175, 48}, 24},      // AS112
    Prefix{{198, 18}, 15},           // Benchmarking
    Prefix{{198, 51, 100}, 24},      // Documentation
    Prefix{{203, 0, 113}, 24},       // Documentation
    Prefix{{168, 63, 129, 16}, 32},  // Azure's host, with its metadata
    Prefix{{224}, 4},                // Multicast
    Prefix{{240}, 4},                // Reserved, broadcast
};

constexpr Prefix kGlobalIpv6 = {{0x20},
                                3};  // All else: loopback, mapped, NAT64, ULA, link-local ...

constexpr std::array kSpecialIpv6 = {
    Prefix{{0x20, 0x01, 0x00}, 23},              // IETF assignments, Teredo, ORCHID
    Prefix{{0x20, 0x01, 0x0D, 0xB8}, 32},        // Documentation
    Prefix{{0x20, 0x02}, 16},                    // 6to4
    Prefix{{0x26, 0x20, 0x00, 0x4F, 0x80}, 48},  // AS112
    Prefix{{0x3F, 0xFF}, 20},                    // Documentation
};

bool Covers(const Prefix& prefix, std::span<const std::uint8_t> address) {
  const std::size_t whole = prefix.bits / 8;
  if (!std::equal(prefix.bytes.begin(), prefix.bytes.begin() + whole, address.begin())) {
    return false;
  }
  const unsigned rest = prefix.bits % 8;
  if (rest == 0) {
    return true;
  }
  const unsigned shift = 8 - rest;
  return (address[whole] >> shift) == (prefix.bytes[whole] >> shift);
}

template <std::size_t N>
bool AnyCovers(const std::array<Prefix, N>& table, std::span<const std::uint8_t> address) {
  return std::any_of(
      table.begin(), table.end(), [&](const Prefix& prefix) { return Covers(prefix, address); });
}

}  // namespace

bool IsPublicAddress(std::span<const std::uint8_t> bytes) {
  if (bytes.size() == 4) {
    return !AnyCovers(kSpecialIpv4, bytes);
  }
  return bytes.size() == 16 && Covers(kGlobalIpv6, bytes) && !AnyCovers(kSpecialIpv6, bytes);
}

}  // namespace connector::dataplane::oci
