#include "common/base/locked_arena.h"

#include "common/base/secret_place.h"

#include <openssl/crypto.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <map>
#include <mutex>
#include <new>

namespace connector {
namespace {

constexpr std::size_t kArenaBytes = 2 * 1024 * 1024;  // RLIMIT_MEMLOCK is often 8 MiB.
constexpr std::size_t kGranule = 64;
constexpr std::size_t kReserve = kArenaBytes / 4;  // For stored secrets.

std::size_t RoundUp(std::size_t size) {
  return (size + kGranule - 1) / kGranule * kGranule;
}

// First fit over a map of free runs. Secrets are few and short-lived, so simple beats fast.
class Arena {
 public:
  Arena() {
    base_ = MapMemfdSecret();
    if (base_ != nullptr) {
      kind_ = ArenaKind::kMemfdSecret;
    } else {
      base_ = MapLocked();
      kind_ = base_ != nullptr ? ArenaKind::kLocked : ArenaKind::kHeap;
    }
    if (base_ != nullptr) {
      free_[0] = kArenaBytes;
    }
  }

  void* Allocate(std::size_t size, ArenaUse use) {
    if (use == ArenaUse::kForeign) {
      return ::operator new(size);
    }
    const std::size_t need = RoundUp(size);
    const bool stored = use == ArenaUse::kStored;
    const std::lock_guard lock(mutex_);
    const bool may = stored || used_ + need <= kArenaBytes - kReserve;
    for (auto it = may ? free_.begin() : free_.end(); it != free_.end(); ++it) {
      if (it->second < need) {
        continue;
      }
      const auto [offset, length] = *it;
      free_.erase(it);
      if (length > need) {
        free_[offset + need] = length - need;
      }
      used_ += need;
      return base_ + offset;
    }
    ++(stored ? heap_fallbacks_ : token_fallbacks_);
    return ::operator new(size);
  }

  void Free(void* data, std::size_t size) noexcept {
    OPENSSL_cleanse(data, size);
    auto* const bytes = static_cast<char*>(data);
    if (base_ == nullptr || bytes < base_ || bytes >= base_ + kArenaBytes) {
      ::operator delete(data);
      return;
    }
    const std::lock_guard lock(mutex_);
    auto offset = static_cast<std::size_t>(bytes - base_);
    std::size_t length = RoundUp(size);
    used_ -= length;
    auto next = free_.lower_bound(offset);
    if (next != free_.end() && offset + length == next->first) {
      length += next->second;
      next = free_.erase(next);
    }
    if (next != free_.begin()) {
      const auto previous = std::prev(next);
      if (previous->first + previous->second == offset) {
        previous->second += length;
        return;
      }
    }
    free_[offset] = length;
  }

  std::size_t token_fallbacks() {
    const std::lock_guard lock(mutex_);
    return token_fallbacks_;
  }

  ArenaStats Stats() {
    const std::lock_guard lock(mutex_);
    return {kind_, base_ == nullptr ? 0 : kArenaBytes, used_, heap_fallbacks_};
  }

 private:
  static char* MapMemfdSecret() {
#ifdef SYS_memfd_secret
    const long fd = ::syscall(SYS_memfd_secret, 0U);
    if (fd < 0) {
      return nullptr;
    }
    const int file = static_cast<int>(fd);
    void* map = MAP_FAILED;
    if (::ftruncate(file, kArenaBytes) == 0) {
      map = ::mmap(nullptr, kArenaBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    }
    ::close(file);
    if (map == MAP_FAILED) {
      return nullptr;
    }
    ::madvise(map, kArenaBytes, MADV_DONTFORK);
    return static_cast<char*>(map);
#else
    return nullptr;
#endif
  }

  static char* MapLocked() {
    void* const map =
        ::mmap(nullptr, kArenaBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED) {
      return nullptr;
    }
    if (::mlock(map, kArenaBytes) != 0 || ::madvise(map, kArenaBytes, MADV_DONTDUMP) != 0) {
      ::munmap(map, kArenaBytes);
      return nullptr;
    }
    ::madvise(map, kArenaBytes, MADV_WIPEONFORK);
    return static_cast<char*>(map);
  }

  std::mutex mutex_;
  char* base_ = nullptr;
  ArenaKind kind_ = ArenaKind::kHeap;
  std::map<std::size_t, std::size_t> free_;  // offset -> length
  std::size_t used_ = 0;
  std::size_t heap_fallbacks_ = 0;
  std::size_t token_fallbacks_ = 0;
};

// Leaked on purpose: Secrets in static storage may die after any static arena would.
Arena& TheArena() {
  static auto* const arena = new Arena;
  return *arena;
}

}  // namespace

void* LockedAllocate(std::size_t size) {
  return TheArena().Allocate(size, CurrentArenaUse());
}
void LockedFree(void* data, std::size_t size) noexcept {
  TheArena().Free(data, size);
}
std::size_t TokenFallbacks() {
  return TheArena().token_fallbacks();
}
ArenaStats LockedArenaStats() {
  return TheArena().Stats();
}

void HardenProcess() {
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
}

}  // namespace connector
