#pragma once

// Elector: takes part in the election of one leader among the replicas, through a Lease. Decides
// nothing by itself (lease_state.h does): reads, watches and writes the Lease. Others see the Lease
// by a watch, so that replicas which do not lead send no requests at rest.
//
// Losing the Lease stops nothing here: the elector continues and may win again. Only writing must
// stop: the Writer checks HeldUntil before each write (controller/writer/writer.h).

#include "common/async/task.h"
#include "common/async/task_group.h"
#include "common/base/clock.h"
#include "common/kube/api_client.h"
#include "common/kube/informer.h"
#include "common/log/log.h"
#include "controller/election/lease_state.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace connector::controller::election {

struct ElectionOptions {
  kube::ObjectName lease;
  std::string identity;  // Of this process alone.
  LeaseTimes times;
};

// Who leads, for people.
struct LeaderView {
  bool leading = false;
  std::string holder{};
  std::int64_t transitions = 0;
};

// All calls on the one thread of the executor, but for those that say otherwise.
class Elector {
 public:
  // All outlive the elector.
  struct Parts {
    kube::ApiClient* client = nullptr;
    const Clock* clock = nullptr;
    log::Logger* logger = nullptr;
    std::function<double()> random;
    std::function<void(bool leading)> on_change;
  };

  Elector(ElectionOptions options, Parts parts);
  ~Elector();
  Elector(const Elector&) = delete;
  Elector& operator=(const Elector&) = delete;

  void Start(Executor executor);
  // Ends the taking part, and hands the Lease back if it is ours: call it when nothing is being
  // written any more.
  [[nodiscard]] Task<void> Stop(Deadline deadline);

  // Absent when we do not lead; else until when we surely do.
  [[nodiscard]] std::optional<Deadline> HeldUntil() const;
  [[nodiscard]] LeaderView View() const;  // Any thread.

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace connector::controller::election
