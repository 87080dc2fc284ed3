#pragma once

// PollingThread: does one piece of work again and again on a thread of its own, with a pause after
// each turn. A pause ends at once when the thread is to stop; a turn under way is waited for.

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace connector {

class PollingThread {
 public:
  using Pause = std::chrono::milliseconds;
  // Returns how long to pause before the next turn.
  using Turn = std::function<Pause()>;

  PollingThread() = default;
  ~PollingThread() { Stop(); }
  PollingThread(const PollingThread&) = delete;
  PollingThread& operator=(const PollingThread&) = delete;

  // Once only. The first turn comes after the pause `first`.
  void Start(Pause first, Turn turn);

  // No turn begins any more. Any thread.
  void RequestStop();
  // Requests it and waits for the turn under way. Idempotent, also without Start; not from a turn.
  // True when this call ended the thread.
  bool Stop();

  // Since RequestStop. Any thread.
  [[nodiscard]] bool stopping() const;
  // A pause within a turn. False, and at once, when the thread is to stop.
  [[nodiscard]] bool Wait(Pause duration);

 private:
  void Run(Pause pause, const Turn& turn);

  mutable std::mutex mutex_;  // Guards the next two.
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace connector
