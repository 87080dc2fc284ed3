#include "tests/support/cpp/vault_proxy.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace connector::testing_support {
namespace {

std::string Exchange(std::uint16_t port, const std::string& request) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  std::string out;
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
      ::send(fd, request.data(), request.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(request.size())) {
    char piece[8192];
    for (ssize_t got = 0; (got = ::recv(fd, piece, sizeof piece, 0)) > 0;) {
      out.append(piece, static_cast<std::size_t>(got));
    }
  }
  ::close(fd);
  return out;
}

}  // namespace

VaultProxy::VaultProxy(std::uint16_t vault_port)
    : vault_port_(vault_port),
      server_([this](const HttpRequest& request) { return Serve(request); }) {}

HttpAnswer VaultProxy::Serve(const HttpRequest& request) {
  Fault fault;
  std::string added;
  {
    const std::lock_guard lock(mutex_);
    fault = fault_;
    added = added_;
  }
  if (fault) {
    if (std::optional<HttpAnswer> answer = fault(request)) {
      return *std::move(answer);
    }
  }
  std::string text = request.method + " " + request.target + " HTTP/1.1\r\nConnection: close\r\n";
  for (const auto& [name, value] : request.headers) {
    if (name != "connection") {
      text.append(name).append(": ").append(value).append("\r\n");
    }
  }
  HttpAnswer answer;
  answer.raw = Exchange(vault_port_, text + added + "\r\n" + request.body);
  return answer;
}

void VaultProxy::Break(Fault fault) {
  const std::lock_guard lock(mutex_);
  fault_ = std::move(fault);
}

void VaultProxy::AddHeader(std::string line) {
  const std::lock_guard lock(mutex_);
  added_ = std::move(line) + "\r\n";
}

void VaultProxy::BreakAll(HttpAnswer answer) {
  Break([answer = std::move(answer)](const HttpRequest&) { return answer; });
}

std::size_t VaultProxy::Count(const std::string& text) const {
  const std::vector<HttpRequest> all = server_.requests();
  return static_cast<std::size_t>(
      std::count_if(all.begin(), all.end(), [&](const HttpRequest& request) {
        return request.target.find(text) != std::string::npos;
      }));
}

}  // namespace connector::testing_support
