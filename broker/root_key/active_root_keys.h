#pragma once

// ActiveRootKeys: the root keys that are in force now. Whoever derives something from them asks
// here; the service replaces them.

#include "broker/root_key/root_keys.h"

#include <memory>
#include <utility>

namespace connector::broker::root_key {

// Thread-safe.
class ActiveRootKeys {
 public:
  // Never null.
  explicit ActiveRootKeys(RootKeysPtr keys) : current_(std::move(keys)) {}
  ActiveRootKeys(const ActiveRootKeys&) = delete;
  ActiveRootKeys& operator=(const ActiveRootKeys&) = delete;

  [[nodiscard]] RootKeysPtr Current() const { return std::atomic_load(&current_); }
  void Replace(RootKeysPtr next) { std::atomic_store(&current_, std::move(next)); }

 private:
  RootKeysPtr current_;  // Atomic.
};

}  // namespace connector::broker::root_key
