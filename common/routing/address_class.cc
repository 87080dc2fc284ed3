#include "common/routing/address_class.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace connector::routing {
namespace {

// The first `bits` of `bytes`.
struct Block {
  std::array<std::uint8_t, 16> bytes;
  unsigned bits;
  AddressClass kind;
};

constexpr auto kPublic = AddressClass::kPublic;
constexpr auto kPrivate = AddressClass::kPrivate;
constexpr auto kLoopback = AddressClass::kLoopback;
constexpr auto kSpecial = AddressClass::kSpecial;

// The longest block that covers an address counts. All else is public.
constexpr std::array kIpv4 = {
    Block{{0}, 8, kSpecial},  // This network; Linux connects 0.0.0.0 to loopback
    Block{{10}, 8, kPrivate},
    Block{{100, 64}, 10, kPrivate},             // Carrier-grade NAT
    Block{{100, 100, 100, 200}, 32, kSpecial},  // Metadata: Alibaba
    Block{{127}, 8, kLoopback},
    Block{{168, 63, 129, 16}, 32, kSpecial},  // Metadata: Azure's host
    Block{{169, 254}, 16, kSpecial},          // Link-local; metadata of most clouds
    Block{{172, 16}, 12, kPrivate},
    Block{{192, 0, 0}, 24, kSpecial},     // IETF protocol assignments; metadata: Oracle
    Block{{192, 0, 2}, 24, kSpecial},     // Documentation
    Block{{192, 31, 196}, 24, kSpecial},  // AS112
    Block{{192, 52, 193}, 24, kSpecial},  // AMT
    Block{{192, 88, 99}, 24, kSpecial},   // 6to4 relay
    Block{{192, 168}, 16, kPrivate},      //
    Block{{192, 175, 48}, 24, kSpecial},  // AS112
    Block{{198, 18}, 15, kPrivate},       // Benchmarking; stands for names on some laptops
    Block{{198, 51, 100}, 24, kSpecial},  // Documentation
    Block{{203, 0, 113}, 24, kSpecial},   // Documentation
    Block{{224}, 4, kSpecial},            // Multicast
    Block{{240}, 4, kSpecial},            // Reserved, broadcast
};

// All else is special: the reserved blocks are never named as a whole.
constexpr unsigned kWholeAddress = 128;
constexpr std::array kIpv6 = {
    Block{{}, 127, kSpecial},  // ::, and ...
    Block{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128, kLoopback},
    Block{{0x00, 0x64, 0xFF, 0x9B, 0x00, 0x01}, 48, kPrivate},  // NAT64 of one network
    Block{{0x20}, 3, kPublic},
    Block{{0x20, 0x01, 0x00}, 23, kSpecial},              // IETF assignments, Teredo, ORCHID
    Block{{0x20, 0x01, 0x0D, 0xB8}, 32, kSpecial},        // Documentation
    Block{{0x20, 0x02}, 16, kSpecial},                    // 6to4
    Block{{0x26, 0x20, 0x00, 0x4F, 0x80}, 48, kSpecial},  // AS112
    Block{{0x3F, 0xFF}, 20, kSpecial},                    // Documentation
    Block{{0xFC}, 7, kPrivate},                           // Unique local
    Block{{0xFD, 0x00, 0x0E, 0xC2}, 32, kSpecial},        // Metadata: AWS
    Block{{0xFD, 0x20, 0x00, 0xCE}, 64, kSpecial},        // Metadata: Google
    Block{{0xFD, 0x00, 0x00, 0x42}, 64, kSpecial},        // Metadata: Scaleway
    Block{{0xFE, 0x80}, 10, kSpecial},                    // Link-local
    Block{{0xFF}, 8, kSpecial},                           // Multicast
};

bool SameBits(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b, unsigned bits) {
  const std::size_t whole = bits / 8;
  if (!std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(whole), b.begin())) {
    return false;
  }
  const unsigned shift = 8 - bits % 8;
  return shift == 8 || (a[whole] >> shift) == (b[whole] >> shift);
}

template <std::size_t N>
AddressKind Longest(const std::array<Block, N>& table,
                    std::span<const std::uint8_t> address,
                    AddressKind otherwise) {
  const Block* best = nullptr;
  for (const Block& block : table) {
    if ((best == nullptr || block.bits > best->bits) &&
        SameBits(block.bytes, address, block.bits)) {
      best = &block;
    }
  }
  return best == nullptr ? otherwise : AddressKind{best->kind, best->bits};
}

// Whether the last four of these 16 bytes are an IPv4 address.
bool HoldsIpv4(std::span<const std::uint8_t> bytes) {
  constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  constexpr std::array<std::uint8_t, 12> kNat64 = {0, 0x64, 0xFF, 0x9B};
  constexpr std::array<std::uint8_t, 12> kCompatible = {};
  constexpr unsigned kPrefixBits = 96;
  // `::` and `::1` are no IPv4 addresses, and neither is what else stands in ::/104.
  return SameBits(kMapped, bytes, kPrefixBits) || SameBits(kNat64, bytes, kPrefixBits) ||
         (SameBits(kCompatible, bytes, kPrefixBits) && bytes[12] != 0);
}

}  // namespace

IpAddress::IpAddress(std::span<const std::uint8_t> bytes) {
  if (bytes.size() == 16 && HoldsIpv4(bytes)) {
    bytes = bytes.subspan(12);
  }
  if (bytes.size() == 4 || bytes.size() == 16) {
    size_ = bytes.size();
    std::copy(bytes.begin(), bytes.end(), bytes_.begin());
  }
}

std::optional<IpAddress> IpAddress::Parse(std::string_view text) {
  const std::string terminated(text);
  std::array<std::uint8_t, 16> bytes{};
  if (::inet_pton(AF_INET, terminated.c_str(), bytes.data()) == 1) {
    return IpAddress(std::span(bytes).first(4));
  }
  if (::inet_pton(AF_INET6, terminated.c_str(), bytes.data()) == 1) {
    return IpAddress(bytes);
  }
  return std::nullopt;
}

std::string IpAddress::ToString() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(is_v4() ? AF_INET : AF_INET6, bytes_.data(), text.data(), text.size());
  return text.data();
}

bool AddressRange::Covers(const IpAddress& other) const {
  return address.is_v4() == other.is_v4() && SameBits(address.bytes(), other.bytes(), bits);
}

std::string AddressRange::ToString() const {
  return address.ToString() + "/" + std::to_string(bits);
}

std::optional<AddressRange> ParseRange(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::optional<IpAddress> address = IpAddress::Parse(text.substr(0, slash));
  if (!address) {
    return std::nullopt;
  }
  const unsigned longest = address->is_v4() ? 32 : 128;
  AddressRange range{*address, longest};
  if (slash != std::string_view::npos) {
    // An IPv4 address that is written inside IPv6 would take a length of another meaning.
    const bool converted = address->is_v4() && text.find(':') != std::string_view::npos;
    const std::string_view digits = text.substr(slash + 1);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), range.bits);
    if (converted || error != std::errc() || end != digits.data() + digits.size() ||
        range.bits > longest) {
      return std::nullopt;
    }
  }
  for (unsigned bit = range.bits; bit < longest; ++bit) {
    if ((address->bytes()[bit / 8] >> (7 - bit % 8) & 1) != 0) {
      return std::nullopt;
    }
  }
  return range;
}

AddressKind Classify(const IpAddress& address) {
  return address.is_v4() ? Longest(kIpv4, address.bytes(), {AddressClass::kPublic, 0})
                         : Longest(kIpv6, address.bytes(), {AddressClass::kSpecial, kWholeAddress});
}

std::string_view ToString(AddressClass kind) {
  switch (kind) {
    case AddressClass::kPublic:
      return "a public address";
    case AddressClass::kPrivate:
      return "a private address";
    case AddressClass::kLoopback:
      return "a loopback address";
    case AddressClass::kSpecial:
      break;
  }
  return "a link-local, metadata or otherwise special address";
}

}  // namespace connector::routing
