#pragma once

// EventRecorder: writes the Events about a Connector whose status was written: what became of
// Ready, and that another Service has its name. One that cannot be written is lost: the status
// holds all of it.

#include "common/async/task.h"
#include "common/base/clock.h"
#include "common/kube/object.h"
#include "common/log/log.h"
#include "controller/events/event_aggregator.h"
#include "controller/status/condition.h"
#include "controller/writer/writer.h"

#include <string>
#include <utility>

namespace connector::controller {

class EventRecorder {
 public:
  // All outlive the recorder.
  struct Parts {
    Writer* writer = nullptr;
    const Clock* clock = nullptr;
    log::Logger* logger = nullptr;
  };

  EventRecorder(Parts parts, std::string instance)
      : parts_(parts), aggregator_(std::move(instance)) {}

  // `connector` is as it was before `states` were written.
  [[nodiscard]] Task<void> Record(kube::ObjectPtr connector, status::ConditionStates states);

 private:
  Task<void> Write(EventNote note);

  const Parts parts_;
  EventAggregator aggregator_;
};

}  // namespace connector::controller
