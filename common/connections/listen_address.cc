#include "common/connections/listen_address.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <charconv>
#include <string>

namespace connector::connections {

using Tcp = asio::ip::tcp;

Result<Tcp::endpoint> ParseListenAddress(std::string_view text) {
  const std::size_t colon = std::min(text.rfind(':'), text.size());
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) {
    host = host.substr(1, host.size() - 2);
  }
  boost::system::error_code failed;
  const auto ip =
      asio::ip::make_address(host == "localhost" ? "127.0.0.1" : std::string(host), failed);
  std::uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data() + std::min(colon + 1, text.size()), end, port);
  if (failed || ip.is_v6() != bracketed || parsed.ec != std::errc() || parsed.ptr != end) {
    return MakeError(ErrorCode::kInvalidArgument,
                     ErrorOrigin::kSelf,
                     "must be IP:PORT or [IPv6]:PORT, for example 0.0.0.0:8080 for all addresses");
  }
  return Tcp::endpoint(ip, port);
}

Result<Done> CheckListening(const Tcp::endpoint& endpoint) {
  asio::io_context io;
  Tcp::acceptor acceptor(io);
  boost::system::error_code failed;
  acceptor.open(endpoint.protocol(), failed);
  if (!failed) {
    acceptor.set_option(asio::socket_base::reuse_address(true), failed);
  }
  if (!failed) {
    acceptor.bind(endpoint, failed);
  }
  if (!failed || failed == asio::error::address_in_use) {
    return Done{};
  }
  return MakeError(
      ErrorCode::kUnavailable, ErrorOrigin::kSelf, "cannot be listened on: " + failed.message());
}

}  // namespace connector::connections
