#pragma once

// Waits for what other threads do.

#include <chrono>
#include <thread>

namespace connector::testing_support {

// Polls until `holds`, which is asked often; false after `within`.
template <typename Condition>
[[nodiscard]] bool Eventually(Condition holds,
                              std::chrono::milliseconds within = std::chrono::seconds(20)) {
  const auto until = std::chrono::steady_clock::now() + within;
  while (!holds()) {
    if (std::chrono::steady_clock::now() >= until) {
      return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace connector::testing_support
