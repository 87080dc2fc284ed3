#pragma once

// Where a server listens, as configurations write it: IP:PORT, [IPv6]:PORT or localhost:PORT.

#include "common/async/task.h"
#include "common/base/result.h"

#include <boost/asio/ip/tcp.hpp>

#include <string_view>

namespace connector::connections {

// Pure. Fails with kInvalidArgument; the message goes on after the key's name.
[[nodiscard]] Result<asio::ip::tcp::endpoint> ParseListenAddress(std::string_view text);

// Whether this machine lets the process listen there, now. A port that is taken is no failure: the
// one who asks may be beside the service itself.
[[nodiscard]] Result<Done> CheckListening(const asio::ip::tcp::endpoint& endpoint);

}  // namespace connector::connections
