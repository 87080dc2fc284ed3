#pragma once

// Informer: a copy of all objects of one type that a selector names, kept up to date by a watch.
// Readers take an immutable snapshot without waiting for anybody.
//
// Lists, then watches; resumes after a cut, lists again after a 410, backs off with jitter, and
// takes a watch that is silent for too long for a broken one. While the API cannot be reached the
// last state stays (promise P9): Health says since when.

#include "common/async/task_group.h"
#include "common/base/clock.h"
#include "common/kube/api_client.h"

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace connector::kube {

inline constexpr std::chrono::seconds kDefaultIdleWatch{90};  // Bookmarks come about every minute.
inline constexpr std::chrono::hours kDefaultWatchLength{1};

struct Store {
  std::map<ObjectName, ObjectPtr> objects;

  [[nodiscard]] ObjectPtr Find(const ObjectName& name) const;  // Null when it is not there.
};

// Names of what appeared, changed or vanished between two snapshots; after a list all that differ.
using Changes = std::vector<ObjectName>;

struct InformerHealth {
  bool synced = false;  // A first list came through.
  // Absent: the watch is up. Also since when nothing was heard of a connection that still stands.
  std::optional<WallTime> failing_since{};
  std::string problem{};  // The last failure, for people.
};

struct InformerOptions {
  ResourceType type{};
  Selector selector{};
  std::chrono::milliseconds idle = kDefaultIdleWatch;
  std::chrono::milliseconds length = kDefaultWatchLength;  // Of one watch; then another begins.
  // Events that come within this of each other make one snapshot and one call.
  std::chrono::milliseconds batch{20};
};

// Watches so short that a connection that died without a word is noticed well before `silence`: the
// server says something 2 s before the end of each.
void NoticeSilence(std::chrono::milliseconds silence, InformerOptions& options);

class Informer {
 public:
  // `client`, `clock` and what `on_change` uses outlive the informer.
  struct Parts {
    ApiClient* client = nullptr;
    const Clock* clock = nullptr;
    log::Logger* logger = nullptr;
    std::function<double()> random;
  };
  // `on_change` runs on the executor, one call at a time, after Current() has the new state. The
  // first call is at the first sync, also when there is nothing.
  using OnChange = std::function<void(const std::shared_ptr<const Store>&, const Changes&)>;

  Informer(InformerOptions options, Parts parts, OnChange on_change);
  ~Informer();
  Informer(const Informer&) = delete;
  Informer& operator=(const Informer&) = delete;

  // Once.
  void Start(Executor executor);
  // No call of on_change begins after it returned. False when `deadline` came first.
  [[nodiscard]] Task<bool> Stop(Deadline deadline);

  // Never null.
  [[nodiscard]] std::shared_ptr<const Store> Current() const;
  [[nodiscard]] InformerHealth Health() const;
  // False when `deadline` comes before the first list.
  [[nodiscard]] Task<bool> WaitForSync(Deadline deadline);

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace connector::kube
