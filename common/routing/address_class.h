#pragma once

// What kind of IP address is this? Applied to the address actually connected, so that a name that
// resolves differently the second time changes nothing.
//
// Pure; a table and its lookup. Deny by default for IPv6: only 2000::/3 is public, less what is
// carved out of it. Rule source: the IANA special-purpose registries, RFC 6890 and its updates, and
// the clouds' documentation of their metadata addresses.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace connector::routing {

enum class AddressClass : std::uint8_t {
  kPublic,
  kPrivate,  // RFC 1918, carrier-grade NAT, benchmarking, unique local, local NAT64.
  kLoopback,
  kSpecial,  // Link-local, cloud metadata, unspecified, multicast, reserved, documentation.
};

// An IPv4 or IPv6 address.
class IpAddress {
 public:
  // 4 bytes (IPv4) or 16 (IPv6), network order. IPv4 inside IPv6 (mapped, compatible, and the
  // well-known NAT64 prefix of RFC 6052) becomes the IPv4 address that is reached. Any other length
  // becomes `::`, which nothing may reach.
  explicit IpAddress(std::span<const std::uint8_t> bytes);
  // As inet_pton reads it: four decimal parts, or IPv6. Nothing for all else.
  [[nodiscard]] static std::optional<IpAddress> Parse(std::string_view text);

  [[nodiscard]] std::span<const std::uint8_t> bytes() const { return {bytes_.data(), size_}; }
  [[nodiscard]] bool is_v4() const { return size_ == 4; }
  [[nodiscard]] std::string ToString() const;

  bool operator==(const IpAddress&) const = default;

 private:
  std::array<std::uint8_t, 16> bytes_{};
  std::size_t size_ = 16;
};

// The first `bits` of `address`.
struct AddressRange {
  IpAddress address;
  unsigned bits = 0;

  [[nodiscard]] bool Covers(const IpAddress& other) const;
  [[nodiscard]] std::string ToString() const;  // "10.0.0.0/8"
  bool operator==(const AddressRange&) const = default;
};

// "10.0.0.0/8", or an address alone. Nothing where it is neither, or has bits set beyond its
// length.
[[nodiscard]] std::optional<AddressRange> ParseRange(std::string_view text);

struct AddressKind {
  AddressClass kind = AddressClass::kSpecial;
  // The block that makes it so has this many bits. A range names the address where it has as many:
  // 127.0.0.0/8 names 127.0.0.1, and 0.0.0.0/0 does not.
  unsigned block_bits = 0;
};

[[nodiscard]] AddressKind Classify(const IpAddress& address);
[[nodiscard]] std::string_view ToString(AddressClass kind);  // "a private address"

}  // namespace connector::routing
