#pragma once

// Counters of one worker. Written with relaxed atomics by that worker alone, summed over the
// workers by whoever shows them.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace connector::dataplane::server {

class Counter {
 public:
  void Add(std::uint64_t n = 1) {
    // One writer: a plain load and store, no locked instruction.
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t Get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// Upper bounds of the latency histogram, in seconds; the last bucket has none.
inline constexpr std::array<double, 10> kLatencyBounds{
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 10, 60};

struct Counters {
  std::array<Counter, 6> responses_by_class;                          // By status / 100.
  std::array<Counter, kLatencyBounds.size() + 1> first_byte_seconds;  // Until our head was written.
  Counter first_byte_micros_sum;
  Counter bytes_down;
  Counter bytes_up;
  Counter denied;            // 401, 403 and 404 by our own decision.
  Counter upstream_retries;  // On a new connection, after a reused one failed.
  Counter token_retries;     // After an upstream 401.
  Counter redirects_followed;
  Counter upstream_connects;
  Counter tls_on_plain_port;
  Counter tls_names_unknown;  // Handshakes for names that nobody here has.
  Counter malformed_requests;
  Counter connections_accepted;
  Counter connections_refused;
  Counter connections_evicted;     // Waiting ones, for the sake of others.
  Counter lingering_refused;       // Closed without being read empty.
  Counter tokens_refused_again;    // From memory, without asking the broker.
  Counter tokens_of_full_address;  // Refused unasked, because of others of their address.
};

}  // namespace connector::dataplane::server
