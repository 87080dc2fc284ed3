#pragma once

// BufferPool: the fixed-size buffers of one worker. A connection holds one only while a request is
// under way, so an idle connection costs none. Mapped, not allocated: what is given back beyond a
// few goes back to the system at once and leaves no holes in the heap.

#include <sys/mman.h>

#include <cstddef>
#include <new>
#include <utility>
#include <vector>

namespace connector::dataplane::net {

inline constexpr std::size_t kBufferBytes = 64 * 1024;

class BufferPool;

// One buffer, given back to its pool at the end.
class PooledBuffer {
 public:
  PooledBuffer() = default;
  PooledBuffer(BufferPool* pool, char* data) : pool_(pool), data_(data) {}
  PooledBuffer(PooledBuffer&& other) noexcept
      : pool_(other.pool_), data_(std::exchange(other.data_, nullptr)) {}
  PooledBuffer& operator=(PooledBuffer&& other) noexcept {
    std::swap(pool_, other.pool_);
    std::swap(data_, other.data_);
    return *this;
  }
  PooledBuffer(const PooledBuffer&) = delete;
  PooledBuffer& operator=(const PooledBuffer&) = delete;
  ~PooledBuffer() { Reset(); }

  void Reset();
  [[nodiscard]] char* data() const { return data_; }
  [[nodiscard]] explicit operator bool() const { return data_ != nullptr; }

 private:
  BufferPool* pool_ = nullptr;
  char* data_ = nullptr;
};

// Not thread-safe: belongs to one worker, and must outlive its buffers.
class BufferPool {
 public:
  BufferPool() = default;
  ~BufferPool() {
    for (char* const data : free_) {
      ::munmap(data, kBufferBytes);
    }
  }
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  // Throws std::bad_alloc when the system has no memory.
  [[nodiscard]] PooledBuffer Take() {
    if (free_.empty()) {
      return {this, Map()};
    }
    char* const data = free_.back();
    free_.pop_back();
    return {this, data};
  }

 private:
  friend class PooledBuffer;

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

inline void PooledBuffer::Reset() {
  if (data_ != nullptr) {
    pool_->GiveBack(std::exchange(data_, nullptr));
  }
}

}  // namespace connector::dataplane::net
