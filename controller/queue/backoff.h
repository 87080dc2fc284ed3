#pragma once

// How long to wait after failures in a row: doubling from `first` up to `most`, less up to a tenth
// of it by jitter. Pure.

#include <chrono>

namespace connector::controller {

// `failures` is at least 1; `random` is in [0, 1).
[[nodiscard]] std::chrono::milliseconds BackoffAfter(int failures,
                                                     std::chrono::milliseconds first,
                                                     std::chrono::milliseconds most,
                                                     double random);

}  // namespace connector::controller
