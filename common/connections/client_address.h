#pragma once

// ClientAddress: the address that a budget of connections is kept for. An IPv4 address, or the /64
// of an IPv6 one, because whoever has one address of a /64 has all of them.

#include "common/async/task.h"

#include <boost/asio/ip/address.hpp>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace connector::connections {

class ClientAddress {
 public:
  ClientAddress() = default;
  // An IPv4 address that an IPv6 socket shows (::ffff:192.0.2.1) is that IPv4 address.
  explicit ClientAddress(const asio::ip::address& address);

  friend bool operator==(const ClientAddress&, const ClientAddress&) = default;
  friend auto operator<=>(const ClientAddress&, const ClientAddress&) = default;

  struct Hash {
    std::size_t operator()(const ClientAddress& of) const {
      return std::hash<std::uint64_t>{}(of.bits_);
    }
  };

 private:
  std::uint64_t bits_ = 0;
  bool v6_ = false;
};

}  // namespace connector::connections
