#include "dataplane/server/listener.h"

#include "common/connections/listen_address.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace connector::dataplane::server {
namespace {

std::string SignatureOf(const std::string& file) {
  struct stat info {};
  if (::stat(file.c_str(), &info) != 0) {
    return "absent";
  }
  return std::to_string(info.st_ino) + ":" + std::to_string(info.st_size) + ":" +
         std::to_string(info.st_mtim.tv_sec) + "." + std::to_string(info.st_mtim.tv_nsec);
}

}  // namespace

Result<std::unique_ptr<Listener>> Listener::Make(ListenerOptions options) {
  const Result<asio::ip::tcp::endpoint> endpoint = connections::ParseListenAddress(options.address);
  if (!endpoint) {
    return endpoint.error();
  }
  std::unique_ptr<Listener> listener(new Listener);
  listener->options_ = std::move(options);
  listener->endpoint_ = *endpoint;
  const std::string& certificate_file = listener->options_.certificate_file;
  const std::string& key_file = listener->options_.key_file;
  if (!certificate_file.empty()) {
    listener->signature_ = SignatureOf(certificate_file) + SignatureOf(key_file);
    Result<net::TlsContext> tls = net::MakeListenerContext(certificate_file, key_file);
    if (!tls) {
      return std::move(tls).error();
    }
    listener->tls_ = *std::move(tls);
  } else if (listener->options_.from_broker) {
    listener->tls_ = net::MakeNamedListenerContext();
  }
  return listener;
}

Result<int> Listener::OpenSocket() {
  const int family = endpoint_.address().is_v6() ? AF_INET6 : AF_INET;
  const int fd = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const bool ok = fd >= 0 && ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0 &&
                  ::bind(fd, endpoint_.data(), static_cast<socklen_t>(endpoint_.size())) == 0 &&
                  ::listen(fd, SOMAXCONN) == 0;
  if (!ok) {
    const int cause = errno;
    ::close(fd);
    return MakeError(ErrorCode::kUnavailable,
                     ErrorOrigin::kSelf,
                     "cannot listen on " + options_.address + ": " + std::strerror(cause) +
                         "; choose another address under listeners");
  }
  socklen_t size = static_cast<socklen_t>(endpoint_.capacity());
  ::getsockname(fd, endpoint_.data(), &size);
  return fd;
}

net::TlsContext Listener::tls() const {
  const std::lock_guard lock(mutex_);
  return tls_;
}

void Listener::ReloadIfChanged(log::Logger& logger) {
  if (options_.certificate_file.empty()) {
    return;
  }
  std::string signature = SignatureOf(options_.certificate_file) + SignatureOf(options_.key_file);
  if (signature == signature_) {
    return;
  }
  signature_ = std::move(signature);
  Result<net::TlsContext> tls =
      net::MakeListenerContext(options_.certificate_file, options_.key_file);
  if (!tls) {
    logger.Error("listener certificate not reloaded; the old one stays",
                 {{"address", options_.address}, {"reason", tls.error().message}});
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    tls_ = *std::move(tls);
  }
  logger.Info("listener certificate reloaded", {{"address", options_.address}});
}

}  // namespace connector::dataplane::server
