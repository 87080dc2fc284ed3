#pragma once

// ConnectionCheck: judges the addresses that one request would connect, and learns whether it
// could.

#include <cstdint>
#include <functional>
#include <span>
#include <string>

struct curl_sockaddr;

namespace connector::curl {

struct ConnectionCheck {
  // Why the address (4 or 16 bytes, network order) must not be connected; empty where it may be.
  // Called in the loop's thread for each address that the name resolved to, until one is connected.
  std::function<std::string(std::span<const std::uint8_t>)> why_not;
  // Whether the request failed before there was a connection; of a completed request.
  bool no_connection = false;
  // Why the last address was refused; empty when none was.
  std::string refused = {};
};

// A socket for `address`, or -1 where the check refuses it: curl then goes on to the next address.
[[nodiscard]] int OpenSocket(ConnectionCheck& check, const curl_sockaddr& address);

}  // namespace connector::curl
