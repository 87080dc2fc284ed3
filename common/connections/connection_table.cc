#include "common/connections/connection_table.h"

#include <iterator>
#include <utility>

namespace connector::connections {

ConnectionTable::Entry::Entry(ConnectionTable& table, ClientAddress address)
    : table_(table), group_(table.GroupOf(address)) {
  group_.waiting.push_back(this);
  place_ = std::prev(group_.waiting.end());
  waits_since_ = ++table_.waits_;
  ++table_.size_;
  table_.SetOpen(group_, group_.open + 1);
}

ConnectionTable::Entry::~Entry() {
  (waits_since_ != 0 ? group_.waiting : group_.busy).erase(place_);
  --table_.size_;
  table_.SetOpen(group_, group_.open - 1);
}

void ConnectionTable::Entry::SetWaiting(bool waiting) {
  if (gives_way_ || waiting == (waits_since_ != 0)) {
    return;
  }
  std::list<Entry*>& from = waiting ? group_.busy : group_.waiting;
  std::list<Entry*>& to = waiting ? group_.waiting : group_.busy;
  to.splice(to.end(), from, place_);
  waits_since_ = waiting ? ++table_.waits_ : 0;
}

ConnectionTable::Group& ConnectionTable::GroupOf(ClientAddress address) {
  return groups_.try_emplace(address, Group{.address = address}).first->second;
}

// An address without a connection is forgotten.
void ConnectionTable::SetOpen(Group& group, std::size_t open) {
  if (group.open > 0) {
    const auto bucket = by_open_.find(group.open);
    bucket->second.erase(group.place);
    if (bucket->second.empty()) {
      by_open_.erase(bucket);
    }
  }
  group.open = open;
  if (open == 0) {
    groups_.erase(group.address);
    return;
  }
  Groups& bucket = by_open_[open];
  group.place = bucket.insert(bucket.end(), &group);
}

void ConnectionTable::AskOldest(Group& group) {
  Entry& entry = *group.waiting.front();
  entry.SetWaiting(false);
  entry.gives_way_ = true;
  entry.GiveWay();
}

bool ConnectionTable::MakeRoom() {
  for (auto bucket = by_open_.rbegin(); bucket != by_open_.rend(); ++bucket) {
    Group* chosen = nullptr;
    std::size_t compared = 0;
    for (Group* const group : bucket->second) {
      if (group->waiting.empty()) {
        continue;
      }
      if (chosen == nullptr ||
          group->waiting.front()->waits_since_ < chosen->waiting.front()->waits_since_) {
        chosen = group;
      }
      if (++compared == kCompared) {
        break;
      }
    }
    if (chosen != nullptr) {
      AskOldest(*chosen);
      return true;
    }
  }
  return false;
}

bool ConnectionTable::MakeRoomOf(ClientAddress address) {
  const auto found = groups_.find(address);
  if (found == groups_.end() || found->second.waiting.empty()) {
    return false;
  }
  AskOldest(found->second);
  return true;
}

void ConnectionTable::ForEach(const std::function<void(Entry&)>& call) const {
  for (const auto& [address, group] : groups_) {
    for (const std::list<Entry*>* const list : {&group.waiting, &group.busy}) {
      for (Entry* const entry : *list) {
        call(*entry);
      }
    }
  }
}

}  // namespace connector::connections
