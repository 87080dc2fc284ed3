#include "controller/queue/backoff.h"

#include <algorithm>

namespace connector::controller {

std::chrono::milliseconds BackoffAfter(int failures,
                                       std::chrono::milliseconds first,
                                       std::chrono::milliseconds most,
                                       double random) {
  constexpr int kMaxDoublings = 20;
  const int doublings = std::clamp(failures - 1, 0, kMaxDoublings);
  const std::chrono::milliseconds whole =
      std::min<std::chrono::milliseconds>(first * (1LL << doublings), most);
  return std::chrono::duration_cast<std::chrono::milliseconds>(whole * (1 - 0.1 * random));
}

}  // namespace connector::controller
