#pragma once

// The memory that Secrets live in: one fixed region per process, taken from memfd_secret(2) where
// the kernel grants it, else from locked pages that core dumps and forks leave out. Requests that
// do not fit fall back to the heap, and are counted, so that an operator can see it.

#include <cstddef>
#include <cstdint>

namespace connector {

enum class ArenaKind : std::uint8_t {
  kMemfdSecret,  // Not readable through /proc/PID/mem either.
  kLocked,       // mlock + MADV_DONTDUMP + MADV_WIPEONFORK.
  kHeap,         // The kernel refused both.
};

struct ArenaStats {
  ArenaKind kind = ArenaKind::kHeap;
  std::size_t capacity_bytes = 0;
  std::size_t used_bytes = 0;
  std::size_t heap_fallbacks = 0;  // Allocations that did not fit, since start.
};

// Thread-safe. Free wipes `size` bytes first.
[[nodiscard]] void* LockedAllocate(std::size_t size);
void LockedFree(void* data, std::size_t size) noexcept;
[[nodiscard]] ArenaStats LockedArenaStats();

// Keeps this process out of core dumps and other processes' ptrace. Called first thing in main.
void HardenProcess();

}  // namespace connector
