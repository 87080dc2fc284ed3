#pragma once

// InFlightSlot: one of the requests that a connector may have under way at once
// (maxConcurrentRequests). Held until the registry's answer has been read to its end, and given
// back before the client can see that answer's last byte: a client that sends one request after
// another must never be refused because of its own last one.

#include <atomic>
#include <cstdint>

namespace connector::dataplane::relay {

class InFlightSlot {
 public:
  InFlightSlot() = default;
  ~InFlightSlot() { GiveBack(); }
  InFlightSlot(const InFlightSlot&) = delete;
  InFlightSlot& operator=(const InFlightSlot&) = delete;

  // `count` is shared by all threads and outlives the slot. False, and nothing is held, when
  // `limit` slots of it are taken.
  [[nodiscard]] bool Take(std::atomic<std::uint32_t>& count, std::uint32_t limit) {
    if (count.fetch_add(1, std::memory_order_acquire) >= limit) {
      count.fetch_sub(1, std::memory_order_relaxed);
      return false;
    }
    count_ = &count;
    return true;
  }

  // Once is enough; a second call does nothing.
  void GiveBack() {
    if (count_ != nullptr) {
      count_->fetch_sub(1, std::memory_order_release);
      count_ = nullptr;
    }
  }

 private:
  std::atomic<std::uint32_t>* count_ = nullptr;
};

}  // namespace connector::dataplane::relay
