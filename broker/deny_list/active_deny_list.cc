#include "broker/deny_list/active_deny_list.h"

#include <utility>

namespace connector::broker::deny_list {

void ActiveDenyList::Replace(ListPtr next) {
  std::atomic_store(&current_, next);
  if (listener_) {
    listener_(next);
  }
}

void ActiveDenyList::NoteRefused(const DeniedEntry& entry) {
  ++refused_[static_cast<std::size_t>(entry.kind)];
  if (entry.kind == DeniedKind::kDataplane) {
    const std::lock_guard lock(mutex_);
    ++refused_peers_[entry.value];
  }
}

std::map<std::string, std::uint64_t> ActiveDenyList::TakeRefusedPeers() {
  const std::lock_guard lock(mutex_);
  return std::exchange(refused_peers_, {});
}

}  // namespace connector::broker::deny_list
