#pragma once

// KubernetesSecretWatcher: the implementation of KubeSecretStore. Each followed Secret has its own
// watch, and so its own coroutine. Private to this library.

#include "broker/secrets/kubernetes/kube_store.h"
#include "common/async/cancel.h"
#include "common/async/one_shot.h"
#include "common/async/task_group.h"

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace connector::broker::secrets {

class KubernetesSecretWatcher : public std::enable_shared_from_this<KubernetesSecretWatcher> {
 public:
  explicit KubernetesSecretWatcher(KubeStoreParts parts);

  [[nodiscard]] Task<Result<StoredSecret>> Fetch(SecretRef ref, Deadline deadline);
  void Follow(std::vector<SecretNeed> needs,
              std::optional<std::function<void(const SecretRef&)>> on_change);
  [[nodiscard]] KubeObservation Observed(const SecretRef& ref) const;
  [[nodiscard]] KubeStoreStatus CurrentStatus() const;
  void Wake();
  [[nodiscard]] Task<bool> Stop(Deadline deadline);
  // Without waiting.
  void Abandon();

 private:
  using Signal = std::shared_ptr<OneShot<Done>>;

  struct Item {
    SecretNeed need;
    kube::ObjectName name;
    KubeObservation seen;
    bool dropped = false;     // Removed from items_; coroutines that still hold it end.
    std::string resume_from;  // Empty: from the present state.
    // Events of the watch so far. The answer to a get that was sent before the last event is stale.
    std::uint64_t event_count = 0;
    unsigned failures = 0;           // In a row.
    unsigned refusals = 0;           // In a row, of the watch.
    std::optional<Error> unwatched;  // Set while the watch is refused: Fetch then fails with it.
    std::shared_ptr<Cancel> stop = std::make_shared<Cancel>();  // Ends the watch.
    Signal wake = std::make_shared<OneShot<Done>>();            // Ends a pause.
    Signal watch_event = std::make_shared<OneShot<Done>>();  // The watch sent an event, or ended.
  };
  using ItemPointer = std::shared_ptr<Item>;

  // Watching.
  [[nodiscard]] Task<void> Watch(std::shared_ptr<KubernetesSecretWatcher> self,
                                 ItemPointer item,
                                 std::chrono::milliseconds delay);
  [[nodiscard]] Task<Result<kube::WatchEnd>> WatchOnce(ItemPointer item);
  // A watch sends nothing for a Secret that does not exist. Gets it until the watch sends an event.
  [[nodiscard]] Task<void> Confirm(std::shared_ptr<KubernetesSecretWatcher> self,
                                   ItemPointer item,
                                   Signal watch_event);
  // The Secret is now needed for something else: its content is read again.
  [[nodiscard]] Task<void> Reread(std::shared_ptr<KubernetesSecretWatcher> self, ItemPointer item);
  // The watch was refused. Finds out whether the verb `watch` is missing, or `get` too.
  [[nodiscard]] Task<void> ClassifyRefusal(ItemPointer item);
  [[nodiscard]] Task<Result<kube::ObjectPtr>> Get(ItemPointer item);
  [[nodiscard]] Task<void> Pause(ItemPointer item, std::chrono::milliseconds time);
  [[nodiscard]] std::chrono::milliseconds PauseAfter(const Item& item) const;

  // The API accepted the watch.
  void OnWatchOpened(const ItemPointer& item);
  void OnWatchEvent(const ItemPointer& item, const kube::WatchEvent& event);
  // Applies the answer to a get that was sent when the item had counted `event_count` events. False
  // when the answer says nothing definite.
  bool ApplyGetResult(const ItemPointer& item,
                      std::uint64_t event_count,
                      const Result<kube::ObjectPtr>& answer);
  void RecordFailure(const ItemPointer& item, const Error& error);
  // Under the lock. Returns the notification to deliver after it; empty when nothing changed.
  [[nodiscard]] std::function<void()> ApplyContent(const ItemPointer& item, KubeContent content);
  // Under the lock.
  void Drop(Item& item);

  const KubeStoreParts parts_;
  const VersionDigest versions_;
  const std::shared_ptr<TaskGroup> tasks_;

  mutable std::mutex mutex_;  // Guards all below and every item; never held across co_await.
  bool stopping_ = false;
  std::uint64_t watch_restarts_ = 0;
  std::map<kube::ObjectName, ItemPointer> items_;
  std::function<void(const SecretRef&)> on_change_;
};

}  // namespace connector::broker::secrets
