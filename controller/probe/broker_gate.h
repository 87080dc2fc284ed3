#pragma once

// BrokerGate: whether the brokers may be asked. Pure. While they do not answer, one probe at a time
// finds out, with backoff, instead of thousands; when they do again, everything goes on at once.

#include <chrono>
#include <functional>

namespace connector::controller::probe {

class BrokerGate {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;

  explicit BrokerGate(std::function<double()> random) : random_(std::move(random)) {}

  // How many probes may be under way at `now`, of `usual`.
  [[nodiscard]] int Allowed(int usual, SteadyTime now) const;
  // True when the brokers are back: what failed because of them should be repeated.
  [[nodiscard]] bool Answered();
  void Failed(SteadyTime now);

  [[nodiscard]] bool available() const { return failures_ == 0; }

 private:
  const std::function<double()> random_;
  int failures_ = 0;
  SteadyTime next_try_{};
};

}  // namespace connector::controller::probe
