#include "tests/integration/dataplane/framing/crowd.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>

namespace connector::framing {
namespace {

constexpr std::size_t kAtOnce = 48;
constexpr int kPatienceMillis = 30'000;

struct Client {
  int fd = -1;
  std::size_t index = 0;
  std::size_t sent = 0;
  std::size_t next_cut = 0;
  bool done_sending = false;
};

class Crowd {
 public:
  Crowd(std::uint16_t port, const std::vector<Case>& cases)
      : port_(port), cases_(cases), answers_(cases.size()), poller_(::epoll_create1(0)) {}
  ~Crowd() {
    for (const Client& client : clients_) {
      if (client.fd >= 0) {
        ::close(client.fd);
      }
    }
    ::close(poller_);
  }
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;

  std::vector<std::string> Run() {
    clients_.resize(std::min(kAtOnce, cases_.size()));
    for (Client& client : clients_) {
      Start(client);
    }
    while (finished_ < cases_.size()) {
      epoll_event events[kAtOnce];
      const int count = ::epoll_wait(poller_, events, kAtOnce, kPatienceMillis);
      if (count <= 0) {
        throw std::runtime_error("the data plane stands still; case " + Waiting());
      }
      for (int i = 0; i < count; ++i) {
        Serve(*static_cast<Client*>(events[i].data.ptr), events[i].events);
      }
    }
    return std::move(answers_);
  }

 private:
  std::string Waiting() const {
    std::string numbers;
    for (const Client& client : clients_) {
      if (client.fd >= 0) {
        numbers.append(std::to_string(cases_[client.index].number)).append(" ");
      }
    }
    return numbers;
  }

  void Start(Client& client) {
    if (next_ == cases_.size()) {
      client.fd = -1;
      return;
    }
    client = Client();
    client.index = next_++;
    client.fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    // From many loopback addresses: one has too few ports for all that linger behind their end.
    sockaddr_in from{};
    from.sin_family = AF_INET;
    from.sin_addr.s_addr =
        htonl(INADDR_LOOPBACK + 1 + static_cast<std::uint32_t>(client.index % 200));
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons(port_);
    const int on = 1;
    ::setsockopt(client.fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    ::setsockopt(client.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (::bind(client.fd, reinterpret_cast<sockaddr*>(&from), sizeof from) != 0 ||
        ::connect(client.fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) {
      throw std::runtime_error("crowd: cannot connect");
    }
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT;
    event.data.ptr = &client;
    ::epoll_ctl(poller_, EPOLL_CTL_ADD, client.fd, &event);
  }

  void Serve(Client& client, std::uint32_t events) {
    if ((events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0 && !Read(client)) {
      ::close(client.fd);
      ++finished_;
      Start(client);
      return;
    }
    if ((events & EPOLLOUT) != 0 && !client.done_sending) {
      Write(client);
    }
  }

  // False at the end.
  bool Read(Client& client) {
    char chunk[16384];
    const ssize_t got = ::recv(client.fd, chunk, sizeof chunk, MSG_DONTWAIT);
    if (got > 0) {
      answers_[client.index].append(chunk, static_cast<std::size_t>(got));
    }
    return got > 0 || (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK));
  }

  // One segment.
  void Write(Client& client) {
    const Case& one = cases_[client.index];
    const std::size_t end =
        client.next_cut < one.cuts.size() ? one.cuts[client.next_cut] : one.bytes.size();
    const ssize_t put = ::send(
        client.fd, one.bytes.data() + client.sent, end - client.sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (put < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      return;
    }
    client.sent = put < 0 ? one.bytes.size() : client.sent + static_cast<std::size_t>(put);
    client.next_cut += client.sent == end ? 1U : 0U;
    if (client.sent < one.bytes.size()) {
      return;
    }
    client.done_sending = true;
    ::shutdown(client.fd, SHUT_WR);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &client;
    ::epoll_ctl(poller_, EPOLL_CTL_MOD, client.fd, &event);
  }

  std::uint16_t port_;
  const std::vector<Case>& cases_;
  std::vector<std::string> answers_;
  int poller_;
  std::vector<Client> clients_;
  std::size_t next_ = 0;
  std::size_t finished_ = 0;
};

}  // namespace

std::vector<std::string> SendAll(std::uint16_t port, const std::vector<Case>& cases) {
  return Crowd(port, cases).Run();
}

}  // namespace connector::framing
