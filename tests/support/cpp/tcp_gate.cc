#include "tests/support/cpp/tcp_gate.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <limits>

namespace connector::testing_support {
namespace {

constexpr int kPollMilliseconds = 5;

sockaddr_in Loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

// With a reset and not in good order.
void Reset(int fd) {
  const linger now{1, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  ::close(fd);
}

}  // namespace

TcpGate::TcpGate(std::uint16_t server_port)
    : server_port_(server_port), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof address;
  ::bind(listener_, reinterpret_cast<sockaddr*>(&address), size);
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  ::listen(listener_, SOMAXCONN);
  acceptor_ = std::thread([this] { Accept(); });
}

TcpGate::~TcpGate() {
  stopping_ = true;
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  CutAll();
  for (std::thread& thread : threads_) {
    thread.join();
  }
  ::close(listener_);
}

void TcpGate::CutAfter(std::function<std::size_t()> budget) {
  const std::lock_guard lock(mutex_);
  budget_ = std::move(budget);
}

void TcpGate::CutAll() {
  const std::lock_guard lock(mutex_);
  for (const int fd : open_) {
    ::shutdown(fd, SHUT_RDWR);
  }
}

void TcpGate::Accept() {
  while (!stopping_) {
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) {
      continue;
    }
    ++connections_;
    const std::lock_guard lock(mutex_);
    const std::size_t budget = budget_ ? budget_() : std::numeric_limits<std::size_t>::max();
    open_.insert(client);
    threads_.emplace_back([this, client, budget] { Serve(client, budget); });
  }
}

void TcpGate::Serve(int client, std::size_t budget) {
  const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Loopback(server_port_);
  bool open = ::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  while (open && !stopping_) {
    pollfd both[2] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
    if (stalled_) {
      // Looks only whether somebody left.
      both[0].events = both[1].events = 0;
    }
    ::poll(both, 2, kPollMilliseconds);
    if (stalled_) {
      open = (both[0].revents & (POLLERR | POLLHUP)) == 0;
      ::usleep(1000);
      continue;
    }
    open = (both[0].revents == 0 || Pass(client, server, nullptr)) &&
           (both[1].revents == 0 || Pass(server, client, &budget));
  }
  ::close(server);
  const std::lock_guard lock(mutex_);
  open_.erase(client);
  Reset(client);
}

bool TcpGate::Pass(int from, int to, std::size_t* budget) {
  char bytes[16384];
  const ssize_t got = ::recv(from, bytes, sizeof bytes, 0);
  if (got <= 0) {
    return false;
  }
  auto size = static_cast<std::size_t>(got);
  const bool cut = budget != nullptr && *budget < size;
  if (budget != nullptr) {
    size = std::min(size, *budget);
    *budget -= size;
    bytes_ += size;
  }
  return ::send(to, bytes, size, MSG_NOSIGNAL) == static_cast<ssize_t>(size) && !cut;
}

}  // namespace connector::testing_support
