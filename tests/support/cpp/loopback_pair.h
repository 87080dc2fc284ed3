#pragma once

// LoopbackPair: a connection on loopback, with one end for the code under test and the other one
// in the test's hands.

#include "dataplane/net/stream.h"

#include <boost/asio/ip/tcp.hpp>

namespace connector::testing_support {

struct LoopbackPair {
  // `buffer_bytes`: how much may be on its way from ours to the peer; 0 for what the system gives.
  explicit LoopbackPair(asio::io_context& io, int buffer_bytes = 0)
      : ours(io.get_executor()), peer(io.get_executor()) {
    asio::ip::tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
    peer.open(asio::ip::tcp::v4());
    if (buffer_bytes > 0) {
      peer.set_option(asio::socket_base::receive_buffer_size(buffer_bytes));
    }
    peer.connect(acceptor.local_endpoint());
    acceptor.accept(ours);
    if (buffer_bytes > 0) {
      ours.set_option(asio::socket_base::send_buffer_size(buffer_bytes));
    }
    ours.non_blocking(true);
    peer.non_blocking(true);
  }

  dataplane::net::Socket ours;
  dataplane::net::Socket peer;
};

}  // namespace connector::testing_support
