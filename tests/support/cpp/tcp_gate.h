#pragma once

// TcpGate: passes bytes between its clients and a server on loopback, and cuts, stalls or refuses
// as a test tells it to. Knows nothing of what passes: TLS goes through.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

namespace connector::testing_support {

class TcpGate {
 public:
  explicit TcpGate(std::uint16_t server_port);
  ~TcpGate();
  TcpGate(const TcpGate&) = delete;
  TcpGate& operator=(const TcpGate&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  // Connections that clients made so far.
  [[nodiscard]] std::size_t connections() const { return connections_; }
  // Bytes that the server sent through so far.
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

  // Asked at each new connection: it is reset when the server has sent that many bytes. Null:
  // never.
  void CutAfter(std::function<std::size_t()> budget);
  // What is open is reset.
  void CutAll();
  // Nothing passes, and nothing is closed, until it ends.
  void Stall(bool stalled) { stalled_ = stalled; }

 private:
  void Accept();
  void Serve(int client, std::size_t budget);
  // False at the end of either side.
  [[nodiscard]] bool Pass(int from, int to, std::size_t* budget);

  const std::uint16_t server_port_;
  std::uint16_t port_ = 0;
  int listener_ = -1;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> stalled_{false};
  std::atomic<std::size_t> connections_{0};
  std::atomic<std::uint64_t> bytes_{0};
  std::mutex mutex_;
  std::function<std::size_t()> budget_;
  std::set<int> open_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace connector::testing_support
