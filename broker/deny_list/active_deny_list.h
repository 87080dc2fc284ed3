#pragma once

// ActiveDenyList: the deny list that is in force now. Whoever decides reads it here; the service
// replaces it. Counts whom it refuses. Without a service it denies nobody.

#include "broker/deny_list/deny_list.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace connector::broker::deny_list {

// Thread-safe.
class ActiveDenyList {
 public:
  using ListPtr = std::shared_ptr<const DenyList>;
  using Listener = std::function<void(const ListPtr&)>;

  ActiveDenyList() = default;
  ActiveDenyList(const ActiveDenyList&) = delete;
  ActiveDenyList& operator=(const ActiveDenyList&) = delete;

  // Called with every later list, on the thread of Replace. Once, before the first Replace.
  void OnReplace(Listener listener) { listener_ = std::move(listener); }

  [[nodiscard]] ListPtr Current() const { return std::atomic_load(&current_); }
  // One call at a time. When it returns, nobody decides by an earlier list any more, but for calls
  // that have begun to.
  void Replace(ListPtr next);

  void NoteRefused(const DeniedEntry& entry);
  [[nodiscard]] std::uint64_t refused(DeniedKind kind) const {
    return refused_[static_cast<std::size_t>(kind)];
  }
  // Calls of denied peers since the last time, by the entry's value. No more than the list has
  // entries.
  [[nodiscard]] std::map<std::string, std::uint64_t> TakeRefusedPeers();

 private:
  ListPtr current_ = std::make_shared<const DenyList>();  // Atomic.
  Listener listener_;
  std::array<std::atomic<std::uint64_t>, kDeniedKinds> refused_{};
  std::mutex mutex_;
  std::map<std::string, std::uint64_t> refused_peers_;
};

}  // namespace connector::broker::deny_list
