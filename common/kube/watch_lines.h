#pragma once

// WatchLines: splits the body of a watch, which arrives in pieces, into lines. Pure. It wipes what
// it held.

#include "common/curl/wiped_buffer.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>

namespace connector::kube {

// etcd takes objects of 1.5 MiB, which may be larger as JSON.
inline constexpr std::size_t kMaxWatchLineBytes = std::size_t{8} * 1024 * 1024;

class WatchLines {
 public:
  explicit WatchLines(std::size_t max_line = kMaxWatchLineBytes) : max_line_(max_line) {}

  // Calls `on_line` for each line that is now whole, without its end; blank ones are left out.
  // Stops when it returns false. False when a line is too long, or it was told to stop: the rest
  // is not read.
  [[nodiscard]] bool Feed(std::string_view bytes,
                          const std::function<bool(std::string_view)>& on_line);

 private:
  const std::size_t max_line_;
  std::unique_ptr<curl::WipedBuffer> partial_ = std::make_unique<curl::WipedBuffer>();
};

}  // namespace connector::kube
