#include "controller/reconcile/event_recorder.h"

#include "controller/reconcile/reconcile_decisions.h"

#include <chrono>
#include <optional>
#include <vector>

namespace connector::controller {

Task<void> EventRecorder::Record(kube::ObjectPtr connector, status::ConditionStates states) {
  const std::vector<status::ConditionState> to_record =
      StatesToRecord(status::ReadConditions(connector->json()), states);
  for (const status::ConditionState& each : to_record) {
    EventNote note{{connector->name().ns, connector->name().name},
                   connector->uid(),
                   each.status != status::ConditionStatus::kTrue,
                   each.reason,
                   each.message};
    co_await Write(std::move(note));
  }
}

Task<void> EventRecorder::Write(EventNote note) {
  std::optional<EventWrite> write =
      aggregator_.Aggregate(note, std::chrono::steady_clock::now(), parts_.clock->Now());
  if (!write) {
    co_return;
  }
  kube::ObjectName name{note.ref.ns, write->name};
  Result<kube::ObjectPtr> written;
  if (write->create) {
    written = co_await parts_.writer->Create(kube::kEvents, name.ns, std::move(write->body));
  } else {
    written = co_await parts_.writer->MergePatch(
        kube::kEvents, name, std::string(), std::move(write->body));
  }
  if (!written && !IsNotLeading(written.error())) {
    parts_.logger->Debug("could not write an event",
                         {{"connector", note.ref.ToString()},
                          {"reason", note.reason},
                          {"error", written.error().message}});
  }
}

}  // namespace connector::controller
