#pragma once

// StableReader: follows small files by reading them whole at each poll, so that coarse file times,
// network file systems and the symbolic-link swap of a mounted ConfigMap or Secret hide no change.
// What is being written is not taken for what it will be: it must stay the same for kStableFor.

#include "common/base/result.h"

#include <chrono>
#include <functional>
#include <optional>
#include <thread>
#include <utility>

namespace connector::config {

inline constexpr std::chrono::milliseconds kStableFor{20};

// `Content` has ==.
template <typename Content>
class StableReader {
 public:
  using Reading = Result<Content>;

  explicit StableReader(std::function<Reading()> read) : read_(std::move(read)) {}

  // What is there, when that differs from what the last call told; null when it does not, or is
  // being changed. Valid until the next call. One call at a time.
  [[nodiscard]] const Reading* Poll() {
    Reading first = read_();
    if (told_ && Same(*told_, first)) {
      return nullptr;
    }
    std::this_thread::sleep_for(kStableFor);
    if (!Same(first, read_())) {
      return nullptr;
    }
    told_.emplace(std::move(first));
    return &*told_;
  }

 private:
  [[nodiscard]] static bool Same(const Reading& a, const Reading& b) {
    return a ? b && *a == *b : !b && a.error() == b.error();
  }

  const std::function<Reading()> read_;
  std::optional<Reading> told_;
};

}  // namespace connector::config
