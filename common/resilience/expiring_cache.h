#pragma once

// ExpiringCache: values that may be used for a time, bounded by number. When it is full, what ends
// first goes first. Pure: no clock, no lock; the owner guards it, and shards it where many threads
// meet.
//
// A key is compared whole: one that is cut short would give one caller what is another's. Secrets
// wipe themselves when they are dropped (common/base/secret.h).

#include <cstddef>
#include <functional>
#include <map>
#include <utility>

namespace connector::resilience {

// `Time` is a time_point of one clock.
template <typename Key, typename Value, typename Time>
class ExpiringCache {
 public:
  // When a value may be used: a clock that was set back makes it useless.
  struct Validity {
    Time from;
    Time until;
  };

  explicit ExpiringCache(std::size_t max_entries) : max_entries_(max_entries) {}
  ExpiringCache(const ExpiringCache&) = delete;
  ExpiringCache& operator=(const ExpiringCache&) = delete;
  ExpiringCache(ExpiringCache&&) noexcept = default;
  ExpiringCache& operator=(ExpiringCache&&) noexcept = default;

  // Null when there is none that may be used at `now`. Valid until the next change.
  [[nodiscard]] const Value* Find(const Key& key, Time now) const {
    const auto found = entries_.find(key);
    if (found == entries_.end() || now < found->second.validity.from ||
        now >= found->second.validity.until) {
      return nullptr;
    }
    return &found->second.value;
  }
  // Of an entry that is there, whatever the time.
  [[nodiscard]] Value* FindAny(const Key& key) {
    const auto found = entries_.find(key);
    return found == entries_.end() ? nullptr : &found->second.value;
  }

  void Put(const Key& key, Value value, Validity validity) {
    Erase(key);
    while (!entries_.empty() && entries_.size() >= max_entries_) {
      EraseFirst();
    }
    const auto place = entries_.emplace(key, Entry{std::move(value), validity, {}}).first;
    place->second.end = by_end_.emplace(validity.until, &place->first);
  }

  void Erase(const Key& key) {
    const auto found = entries_.find(key);
    if (found != entries_.end()) {
      by_end_.erase(found->second.end);
      entries_.erase(found);
    }
  }

  // What ends first; there is one.
  void EraseFirst() {
    entries_.erase(entries_.find(*by_end_.begin()->second));
    by_end_.erase(by_end_.begin());
  }
  // What has ended by `now`.
  void EraseEnded(Time now) {
    while (!by_end_.empty() && by_end_.begin()->first <= now) {
      EraseFirst();
    }
  }

  void Clear() {
    by_end_.clear();
    entries_.clear();
  }

  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  using ByEnd = std::multimap<Time, const Key*>;
  struct Entry {
    Value value;
    Validity validity;
    typename ByEnd::iterator end;
  };

  std::size_t max_entries_;
  std::map<Key, Entry, std::less<>> entries_;
  ByEnd by_end_;  // Points to the keys of `entries_`.
};

}  // namespace connector::resilience
