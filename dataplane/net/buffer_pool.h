#pragma once

// BufferPool: the fixed-size buffers of one core. A connection holds one only while a request is
// under way, so an idle connection costs none. Mapped, not allocated: what is given back beyond a
// few goes back to the system at once and leaves no holes in the heap.

#include <sys/mman.h>

#include <cstddef>
#include <new>
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

  BufferPool() = default;
  ~BufferPool() {
    for (char* const data : free_) {
      ::munmap(data, kBufferBytes);
    }
  }
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  // Throws std::bad_alloc when the system has no memory.
  [[nodiscard]] Lease Take() {
    if (free_.empty()) {
      return {this, Map()};
    }
    char* const data = free_.back();
    free_.pop_back();
    return {this, data};
  }

 private:
  static constexpr std::size_t kMaxFree = 64;

  static char* Map() {
    void* const data =
        ::mmap(nullptr, kBufferBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED) {
      throw std::bad_alloc();
    }
    return static_cast<char*>(data);
  }

  void GiveBack(char* data) {
    if (free_.size() < kMaxFree) {
      free_.push_back(data);
    } else {
      ::munmap(data, kBufferBytes);
    }
  }

  std::vector<char*> free_;
};

}  // namespace connector::dataplane::net
