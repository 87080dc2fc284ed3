#include "dataplane/upstream/connect.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/this_coro.hpp>

#include <string>
#include <utility>
#include <vector>

namespace connector::dataplane::upstream {
namespace {

using TcpResolver = asio::ip::basic_resolver<asio::ip::tcp, Executor>;
using asio::ip::tcp;

Error Failure(ErrorCode code, const http::Origin& origin, const std::string& cause) {
  return MakeError(code, ErrorOrigin::kUpstream, origin.Authority() + ": " + cause, Retry::kSafe);
}

Error NotConnected(const http::Origin& origin, const std::string& cause) {
  return Failure(ErrorCode::kNotFound, origin, cause);
}

routing::IpAddress AddressOf(const asio::ip::address& address) {
  return address.is_v4() ? routing::IpAddress(address.to_v4().to_bytes())
                         : routing::IpAddress(address.to_v6().to_bytes());
}

// Why the address must not be connected; empty where it may be.
std::string WhyNot(const DialTarget& endpoint, const asio::ip::address& dialled) {
  const routing::IpAddress address = AddressOf(dialled);
  const routing::AddressClass kind = routing::Classify(address).kind;
  if (!endpoint.allow_private_address && kind != routing::AddressClass::kPublic) {
    return address.ToString() + " is " + std::string(routing::ToString(kind)) +
           ", and upstream.redirects.hosts does not list the host";
  }
  return routing::MayConnect(*endpoint.policy, endpoint.origin, endpoint.destination, address)
             ? std::string()
             : routing::WhyNotConnected(
                   *endpoint.policy, endpoint.origin, endpoint.destination, address);
}

// Ends a connect that takes too long; asio::cancel_after is not in Boost 1.81.
class ConnectTimeout final : public net::TimedWait {
 public:
  explicit ConnectTimeout(net::Socket& socket) : socket_(socket) {}
  [[nodiscard]] bool fired() const { return fired_; }

 private:
  void OnTimeout() override {
    fired_ = true;
    boost::system::error_code ignored;
    socket_.close(ignored);
  }

  net::Socket& socket_;
  bool fired_ = false;
};

class ResolveTimeout final : public net::TimedWait {
 public:
  explicit ResolveTimeout(TcpResolver& resolver) : resolver_(resolver) {}
  [[nodiscard]] bool fired() const { return fired_; }

 private:
  void OnTimeout() override {
    fired_ = true;
    resolver_.cancel();
  }

  TcpResolver& resolver_;
  bool fired_ = false;
};

// The addresses to try, in the resolver's order.
Task<Result<std::vector<tcp::endpoint>>> Resolve(const DialTarget& endpoint, net::Timers& timers) {
  boost::system::error_code parse_error;
  const asio::ip::address literal = asio::ip::make_address(endpoint.origin.host, parse_error);
  if (!parse_error) {
    co_return std::vector<tcp::endpoint>{tcp::endpoint(literal, endpoint.origin.port)};
  }
  const Executor executor = co_await asio::this_coro::executor;
  TcpResolver resolver(executor);
  ResolveTimeout timeout(resolver);
  timers.Arm(timeout, endpoint.connect_timeout);
  const auto [error, found] = co_await resolver.async_resolve(endpoint.origin.host,
                                                              std::to_string(endpoint.origin.port),
                                                              TcpResolver::numeric_service,
                                                              asio::as_tuple(kUseTask));
  net::Timers::Disarm(timeout);
  if (timeout.fired()) {
    co_return NotConnected(endpoint.origin, "the name was not resolved in time");
  }
  if (error) {
    co_return NotConnected(endpoint.origin, "the name does not resolve");
  }
  std::vector<tcp::endpoint> endpoints;
  for (const auto& entry : found) {
    endpoints.push_back(entry.endpoint());
  }
  co_return endpoints;
}

Task<Result<net::Socket>> Dial(tcp::endpoint address, DialTarget endpoint, net::Timers& timers) {
  const Executor executor = co_await asio::this_coro::executor;
  net::Socket socket(executor);
  ConnectTimeout timeout(socket);
  timers.Arm(timeout, endpoint.connect_timeout);
  const auto [error] = co_await socket.async_connect(address, asio::as_tuple(kUseTask));
  net::Timers::Disarm(timeout);
  if (timeout.fired()) {
    co_return NotConnected(
        endpoint.origin,
        "no connection within " + std::to_string(endpoint.connect_timeout.count()) + " ms");
  }
  if (error) {
    co_return NotConnected(endpoint.origin, error.message());
  }
  co_return std::move(socket);
}

}  // namespace

Task<Result<std::unique_ptr<net::Stream>>> Connect(DialTarget endpoint,
                                                   net::TlsSession session,
                                                   net::Timers& timers) {
  Result<std::vector<tcp::endpoint>> addresses = co_await Resolve(endpoint, timers);
  if (!addresses) {
    co_return std::move(addresses).error();
  }
  Error last = NotConnected(endpoint.origin, "the name has no address");
  for (const tcp::endpoint& address : *addresses) {
    // Checked on the address that is dialled, so that a name cannot change its mind in between.
    if (const std::string refused = WhyNot(endpoint, address.address()); !refused.empty()) {
      last = NotConnected(endpoint.origin, refused);
      continue;
    }
    Result<net::Socket> socket = co_await Dial(address, endpoint, timers);
    if (!socket) {
      last = std::move(socket).error();
      continue;
    }
    auto stream = std::make_unique<net::Stream>(*std::move(socket), timers);
    if (endpoint.tls != nullptr) {
      Result<Done> secured = co_await stream->ConnectTls(
          endpoint.tls.get(), endpoint.origin.host, session, endpoint.connect_timeout);
      if (!secured) {
        last = Failure(secured.error().code, endpoint.origin, secured.error().message);
        continue;
      }
    }
    co_return std::move(stream);
  }
  co_return last;
}

}  // namespace connector::dataplane::upstream
