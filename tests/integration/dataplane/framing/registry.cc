#include "tests/integration/dataplane/framing/registry.h"

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <utility>

namespace connector::framing {
namespace {

constexpr std::chrono::seconds kPatience{10};
const std::string kRegistryDigest = "sha256:" + std::string(64, 'd');

void SendAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (put <= 0) {
      return;
    }
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
}

std::string Respond(int status, const std::string& fields, const std::string& body, bool head) {
  const std::string length =
      status == 204 ? "" : "Content-Length: " + std::to_string(body.size()) + "\r\n";
  return "HTTP/1.1 " + std::to_string(status) + " Scripted\r\n" + fields + length + "\r\n" +
         (head ? "" : body);
}

}  // namespace

Registry::Registry() {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  poller_ = ::epoll_create1(EPOLL_CLOEXEC);
  wakeup_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::listen(listener_, 512) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("registry: no loopback port");
  }
  port_ = ntohs(address.sin_port);
  for (const int fd : {listener_, wakeup_}) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    ::epoll_ctl(poller_, EPOLL_CTL_ADD, fd, &event);
  }
  thread_ = std::thread([this] { Run(); });
}

Registry::~Registry() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  Wake();
  thread_.join();
  for (const auto& [fd, connection] : connections_) {
    ::close(fd);
  }
  ::close(listener_);
  ::close(poller_);
  ::close(wakeup_);
}

std::string Registry::address() const {
  return "http://" + authority();
}

std::string Registry::authority() const {
  return "127.0.0.1:" + std::to_string(port_);
}

void Registry::SetScripts(std::vector<Script> scripts) {
  const std::lock_guard lock(mutex_);
  scripts_.assign(scripts.begin(), scripts.end());
}

void Registry::Wake() {
  const std::uint64_t one = 1;
  static_cast<void>(!::write(wakeup_, &one, sizeof one));
}

std::vector<Seen> Registry::Take() {
  std::unique_lock lock(mutex_);
  const auto give_up_at = std::chrono::steady_clock::now() + kPatience;
  const auto settled = [this] {
    return std::all_of(connections_.begin(), connections_.end(), [](const auto& entry) {
      return entry.second.input.empty();
    });
  };
  const std::uint64_t round = ++rounds_asked_;
  Wake();
  changed_.wait_until(lock, give_up_at, [&] { return rounds_done_ >= round && settled(); });
  for (auto& [fd, connection] : connections_) {
    if (!connection.input.empty()) {
      seen_.push_back({connection.number, {}, false, "left half done", connection.input});
      connection.input.clear();
    }
  }
  return std::exchange(seen_, {});
}

void Registry::AwaitScript() {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, kPatience, [this] { return scripts_.empty(); });
}

void Registry::PushToIdle(std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  for (const auto& [fd, connection] : connections_) {
    SendAll(fd, bytes);
    int unacknowledged = 1;
    const auto give_up_at = std::chrono::steady_clock::now() + kPatience;
    while (::ioctl(fd, SIOCOUTQ, &unacknowledged) == 0 && unacknowledged > 0 &&
           std::chrono::steady_clock::now() < give_up_at) {
      std::this_thread::yield();
    }
  }
}

std::string Registry::SessionRepository(std::string_view id) const {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(id);
  return found == sessions_.end() ? "" : found->second;
}

std::string Registry::SessionState(std::string_view id) {
  return "state-of-" + std::string(id);
}

void Registry::Run() {
  while (true) {
    epoll_event events[256];
    const int count = ::epoll_wait(poller_, events, 256, -1);
    const std::lock_guard lock(mutex_);
    bool woken = false;
    for (int i = 0; i < count; ++i) {
      const int fd = events[i].data.fd;
      if (fd == wakeup_) {
        std::uint64_t ignored = 0;
        static_cast<void>(!::read(wakeup_, &ignored, sizeof ignored));
        woken = true;
      } else if (fd == listener_) {
        Accept();
      } else if (const auto found = connections_.find(fd); found != connections_.end()) {
        OnReadable(found->second);
      }
    }
    if (stopping_) {
      return;
    }
    if (woken) {
      // Everything that was there when the round began has been read: level-triggered, and with
      // fewer events than there is room for.
      rounds_done_ = rounds_asked_;
    }
    changed_.notify_all();
  }
}

void Registry::Accept() {
  const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (fd < 0) {
    return;
  }
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  Connection connection;
  connection.fd = fd;
  connection.number = ++accepted_;
  connections_[fd] = std::move(connection);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  ::epoll_ctl(poller_, EPOLL_CTL_ADD, fd, &event);
  OnReadable(connections_[fd]);
}

void Registry::OnReadable(Connection& connection) {
  const int fd = connection.fd;
  while (true) {
    char chunk[65536];
    const ssize_t got = ::recv(fd, chunk, sizeof chunk, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      return;
    }
    if (got <= 0) {
      if (!connection.input.empty() && !connection.discards) {
        Message message;
        const ReadResult result = ReadRequest(connection.input, Dialect::kCanonical, message);
        Record(connection, std::move(message), false, result.why, connection.input);
      }
      Close(fd);
      return;
    }
    if (connection.discards) {
      connection.discarded.append(chunk, static_cast<std::size_t>(got));
      if (connection.discarded.find(" HTTP/1.") != std::string::npos) {
        Record(connection, {}, false, "a request where none may come", connection.discarded);
        connection.discarded.clear();
      }
    } else {
      connection.input.append(chunk, static_cast<std::size_t>(got));
      Serve(connection);
      if (connections_.find(fd) == connections_.end()) {
        return;
      }
    }
  }
}

void Registry::Serve(Connection& connection) {
  const int fd = connection.fd;
  while (!connection.input.empty() && !connection.discards) {
    Message message;
    const ReadResult result = ReadRequest(connection.input, Dialect::kCanonical, message);
    if (result.status == ReadStatus::kMalformed) {
      Record(connection, std::move(message), false, result.why, connection.input);
      connection.input.clear();
      Close(fd);
      return;
    }
    if (message.has_head && !connection.began) {
      Begin(connection, message);
    }
    if (result.status == ReadStatus::kMore) {
      if (connection.discards) {
        Record(connection, std::move(message), false, {}, connection.input);
        connection.input.clear();
      }
      return;
    }
    const std::string raw = connection.input.substr(0, result.consumed);
    connection.input.erase(0, result.consumed);
    Record(connection, message, true, {}, raw);
    Answer(connection, message);
    if (connections_.find(fd) == connections_.end()) {
      return;
    }
  }
}

void Registry::Begin(Connection& connection, const Message& message) {
  connection.began = true;
  connection.scripted = !scripts_.empty() && message.target.find("canary") == std::string::npos;
  if (!connection.scripted) {
    return;
  }
  connection.script = std::move(scripts_.front());
  scripts_.pop_front();
  SendAll(connection.fd, connection.script.early);
  if (!connection.script.early.empty() && connection.script.answer.empty()) {
    connection.discards = true;
    if (connection.script.close) {
      ::shutdown(connection.fd, SHUT_WR);
    }
  }
}

void Registry::Answer(Connection& connection, const Message& message) {
  connection.began = false;
  if (connection.discards) {
    return;
  }
  SendAll(connection.fd, connection.scripted ? connection.script.answer : DefaultAnswer(message));
  if (connection.scripted && connection.script.close) {
    ::shutdown(connection.fd, SHUT_WR);
    connection.discards = true;
  }
}

std::string Registry::DefaultAnswer(const Message& message) {
  const bool head = message.method == "HEAD";
  const std::string path = message.target.substr(0, message.target.find('?'));
  const std::size_t uploads = path.find("/blobs/uploads/");
  if (uploads != std::string::npos && uploads > 4) {
    return AnswerUpload(message, path.substr(4, uploads - 4));
  }
  if (message.method == "PUT") {
    return Respond(
        201, "Docker-Content-Digest: " + kRegistryDigest + "\r\nLocation: /x\r\n", "", false);
  }
  if (message.method == "DELETE") {
    return Respond(202, "", "", false);
  }
  if (path.ends_with("/tags/list")) {
    return Respond(
        200, "Content-Type: application/json\r\n", R"({"name":"n","tags":["v1"]})", head);
  }
  return Respond(
      200, "Content-Type: application/octet-stream\r\n", "what " + path + " holds", head);
}

std::string Registry::AnswerUpload(const Message& message, const std::string& repository) {
  const std::size_t id_at = message.target.find("/blobs/uploads/") + 15;
  const std::string id = message.target.substr(id_at, message.target.find('?') - id_at);
  const auto open = [&](const std::string& session, int status) {
    return Respond(status,
                   "Location: /v2/" + repository + "/blobs/uploads/" + session +
                       "?_state=" + SessionState(session) + "\r\nRange: 0-0\r\n",
                   "",
                   false);
  };
  if (message.method == "POST") {
    if (message.target.find("mount=") != std::string::npos ||
        message.target.find("digest=") != std::string::npos) {
      return Respond(201, "Location: /v2/x\r\n", "", false);
    }
    const std::string session = "upload-" + std::to_string(sessions_.size() + 1);
    sessions_[session] = repository;
    return open(session, 202);
  }
  if (message.method == "PATCH") {
    return open(id, 202);
  }
  if (message.method == "GET") {
    return open(id, 204);
  }
  return Respond(message.method == "PUT" ? 201 : 204, "", "", false);
}

void Registry::Record(Connection& connection,
                      Message message,
                      bool complete,
                      std::string malformed,
                      std::string raw) {
  seen_.push_back(
      {connection.number, std::move(message), complete, std::move(malformed), std::move(raw)});
}

void Registry::Close(int fd) {
  ::close(fd);
  connections_.erase(fd);
}

}  // namespace connector::framing
