#include "common/admin/admin_server.h"

#include "common/admin/responses.h"
#include "common/async/task.h"
#include "common/connections/connection_table.h"
#include "common/connections/listen_address.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <exception>
#include <optional>
#include <thread>
#include <utility>

namespace connector::admin {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;
using Tcp = asio::ip::tcp;
using Acceptor = asio::basic_socket_acceptor<Tcp, Executor>;
using Stream = beast::basic_stream<Tcp, Executor>;
using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>,
                                         Executor>;

// After an accept that failed, for example for want of descriptors.
constexpr std::chrono::milliseconds kAcceptPause{100};

Result<Tcp::endpoint> ParseEndpoint(const std::string& address) {
  Result<Tcp::endpoint> endpoint = connections::ParseListenAddress(address);
  if (!endpoint) {
    return MakeError(ErrorCode::kInvalidArgument,
                     ErrorOrigin::kSelf,
                     "admin address \"" + address + "\" " + endpoint.error().message);
  }
  return endpoint;
}

// The answer to a head that is not a request; none when the connection broke or timed out.
std::optional<Response> AnswerBrokenHead(const boost::system::error_code& failed) {
  if (failed == http::error::header_limit || failed == http::error::buffer_overflow) {
    return PlainResponse(431, "request head too large\n");
  }
  if (failed == http::error::end_of_stream || failed == http::error::partial_message ||
      failed.category() != http::make_error_code(http::error::end_of_stream).category()) {
    return std::nullopt;
  }
  return PlainResponse(400, "malformed request\n");
}

// Every connection may give way at any time: each is one head and one answer, and whoever asks in
// earnest has both at once.
class Connection final : public connections::ConnectionTable::Entry {
 public:
  Connection(connections::ConnectionTable& table, const Tcp::endpoint& peer, Stream stream)
      : Entry(table, connections::ClientAddress(peer.address())), stream_(std::move(stream)) {}

  Stream& stream() { return stream_; }

 private:
  void GiveWay() override { stream_.close(); }

  Stream stream_;
};

}  // namespace

class AdminServer::Impl {
 public:
  explicit Impl(AdminOptions options)
      : head_timeout_(options.head_timeout),
        write_timeout_(options.write_timeout),
        address_(options.address),
        responder_(std::move(options)) {}
  ~Impl() { Stop(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Result<Done> Start() {
    const Result<Tcp::endpoint> endpoint = ParseEndpoint(address_);
    if (!endpoint) {
      return endpoint.error();
    }
    io_.emplace(1);
    acceptor_.emplace(io_->get_executor());
    if (const auto failed = Listen(*endpoint)) {
      Stop();
      return MakeError(ErrorCode::kUnavailable,
                       ErrorOrigin::kSelf,
                       "cannot listen on admin address " + address_ + ": " + failed.message());
    }
    asio::co_spawn(*io_, AcceptLoop(), [](std::exception_ptr) {});
    thread_ = std::thread([this] { io_->run(); });
    return Done{};
  }

  void Stop() {
    if (io_) {
      io_->stop();
    }
    if (thread_.joinable()) {
      thread_.join();
    }
    acceptor_.reset();
    io_.reset();  // Destroys what was still suspended, and with it every connection.
  }

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

 private:
  boost::system::error_code Listen(const Tcp::endpoint& endpoint) {
    boost::system::error_code failed;
    acceptor_->open(endpoint.protocol(), failed);
    if (!failed) {
      acceptor_->set_option(Acceptor::reuse_address(true), failed);
    }
    if (!failed) {
      acceptor_->bind(endpoint, failed);
    }
    if (!failed) {
      acceptor_->listen(asio::socket_base::max_listen_connections, failed);
    }
    if (!failed) {
      port_ = acceptor_->local_endpoint(failed).port();
    }
    return failed;
  }

  Task<void> AcceptLoop() {
    for (;;) {
      Stream::socket_type socket(io_->get_executor());
      Tcp::endpoint peer;
      boost::system::error_code failed;
      co_await acceptor_->async_accept(socket, peer, asio::redirect_error(kUseTask, failed));
      if (failed) {
        Timer pause(io_->get_executor(), kAcceptPause);
        co_await pause.async_wait(asio::redirect_error(kUseTask, failed));
        continue;
      }
      // Who opens connections and sends nothing must not keep probes and scrapes out.
      if (connections_.size() >= kMaxConnections) {
        connections_.MakeRoom();
      }
      auto connection = std::make_unique<Connection>(connections_, peer, Stream(std::move(socket)));
      asio::co_spawn(*io_, Serve(std::move(connection)), [](std::exception_ptr) {});
    }
  }

  // One connection: one head, one answer.
  Task<void> Serve(std::unique_ptr<Connection> connection) {
    Stream& stream = connection->stream();
    boost::system::error_code failed;
    beast::flat_buffer buffer(kMaxHeadBytes);
    http::request_parser<http::empty_body> parser;
    parser.header_limit(kMaxHeadBytes);
    stream.expires_after(head_timeout_);
    co_await http::async_read_header(
        stream, buffer, parser, asio::redirect_error(kUseTask, failed));
    std::optional<Response> answer;
    if (failed) {
      answer = AnswerBrokenHead(failed);
    } else {
      answer = responder_.Answer(Request{.method = std::string(parser.get().method_string()),
                                         .target = std::string(parser.get().target())});
    }
    if (!answer) {
      co_return;
    }
    const bool head_only = !failed && parser.get().method() == http::verb::head;
    const std::string wire = answer->Serialize(head_only);
    stream.expires_after(write_timeout_);
    co_await asio::async_write(stream, asio::buffer(wire), asio::redirect_error(kUseTask, failed));
    stream.socket().shutdown(Tcp::socket::shutdown_send, failed);
  }

  const std::chrono::milliseconds head_timeout_;
  const std::chrono::milliseconds write_timeout_;
  const std::string address_;
  const AdminResponder responder_;
  std::uint16_t port_ = 0;
  connections::ConnectionTable connections_;  // Of the server's thread.
  std::optional<asio::io_context> io_;
  std::optional<Acceptor> acceptor_;
  std::thread thread_;
};

AdminServer::AdminServer(AdminOptions options)
    : impl_(std::make_unique<Impl>(std::move(options))) {}
AdminServer::~AdminServer() = default;

Result<Done> AdminServer::Start() {
  return impl_->Start();
}
void AdminServer::Stop() {
  impl_->Stop();
}
std::uint16_t AdminServer::port() const noexcept {
  return impl_->port();
}

}  // namespace connector::admin
