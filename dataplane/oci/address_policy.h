#pragma once

// Is an IP address one of the public internet? Applied to the address actually connected, so that a
// name that resolves differently the second time changes nothing.
//
// Pure; a table and its lookup. Deny by default for IPv6: only 2000::/3 is public, less what is
// carved out of it. Rule source: the IANA special-purpose registries, RFC 6890 and its updates.

#include <cstdint>
#include <span>

namespace connector::dataplane::oci {

// 4 bytes (IPv4) or 16 (IPv6), network order. Any other length is not public. Forms that carry an
// IPv4 address inside (mapped, 6to4, NAT64, Teredo) are not public: they are a way around.
[[nodiscard]] bool IsPublicAddress(std::span<const std::uint8_t> bytes);

}  // namespace connector::dataplane::oci
