#pragma once

// BufferPool: the fixed-size buffers of one core. A connection holds one only while a request is
// under way, so an idle connection costs none.

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace connector::dataplane::net {

inline constexpr std::size_t kBufferBytes = 64 * 1024;

// Not thread-safe: belongs to one core, and must outlive its leases.
class BufferPool {
 public:
  class Lease {
   public:
    Lease() = default;
    Lease(BufferPool* pool, char* data) : pool_(pool), data_(data) {}
    Lease(Lease&& other) noexcept
        : pool_(other.pool_), data_(std::exchange(other.data_, nullptr)) {}
    Lease& operator=(Lease&& other) noexcept {
      std::swap(pool_, other.pool_);
      std::swap(data_, other.data_);
      return *this;
    }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease() { Reset(); }

    void Reset() {
      if (data_ != nullptr) {
        pool_->GiveBack(std::exchange(data_, nullptr));
      }
    }
    [[nodiscard]] char* data() const { return data_; }
    [[nodiscard]] explicit operator bool() const { return data_ != nullptr; }

   private:
    BufferPool* pool_ = nullptr;
    char* data_ = nullptr;
  };

  [[nodiscard]] Lease Take() {
    if (free_.empty()) {
      return {this, new char[kBufferBytes]};
    }
    char* const data = free_.back().release();
    free_.pop_back();
    return {this, data};
  }

 private:
  static constexpr std::size_t kMaxFree = 64;

  void GiveBack(char* data) {
    std::unique_ptr<char[]> owned(data);
    if (free_.size() < kMaxFree) {
      free_.push_back(std::move(owned));
    }
  }

  std::vector<std::unique_ptr<char[]>> free_;
};

}  // namespace connector::dataplane::net
