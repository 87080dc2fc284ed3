#pragma once

// Secret: a credential held in memory. It cannot be printed, is never copied by accident, lives in
// locked memory that core dumps leave out, and its bytes are wiped when it dies. Not a std::string
// inside: moving a short string leaves its bytes behind in the moved-from object.

#include "common/base/locked_arena.h"

#include <cstddef>
#include <iosfwd>
#include <string_view>
#include <utility>

namespace connector {

class Secret {
 public:
  Secret() = default;

  // Copies `bytes`. Wiping the source is up to whoever owns it. Throws std::bad_alloc when the
  // arena and the heap are both exhausted.
  explicit Secret(std::string_view bytes);
  // `prefix` and `bytes` joined, without a copy that outlives the call ("Bearer " + token).
  Secret(std::string_view prefix, std::string_view bytes, std::string_view suffix);

  Secret(Secret&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Secret& operator=(Secret&& other) noexcept {
    Secret taken(std::move(other));
    std::swap(data_, taken.data_);
    std::swap(size_, taken.size_);
    return *this;  // `taken` wipes what this object held.
  }
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret();

  // The only way to read the bytes. Named so that `grep -rn Reveal` lists every place that does.
  [[nodiscard]] std::string_view Reveal() const noexcept { return {data_, size_}; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

  // A copy is a decision, so it is spelled out.
  [[nodiscard]] Secret Clone() const { return Secret(Reveal()); }

 private:
  char* data_ = nullptr;
  std::size_t size_ = 0;
};

// Logging a Secret does not compile, not even through a template.
std::ostream& operator<<(std::ostream&, const Secret&) = delete;

}  // namespace connector
