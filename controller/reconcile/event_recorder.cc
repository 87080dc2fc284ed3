#include "controller/reconcile/event_recorder.h"

#include "controller/reconcile/proxy_service_reconciler.h"

#include <chrono>
#include <optional>
#include <vector>

namespace connector::controller {
namespace {

// Whether True or False became another, or the reason did.
bool Differs(const std::vector<status::Condition>& before,
             const status::ConditionStates& states,
             status::Index index) {
  const status::Condition* found = status::Find(before, status::kTypes[index]);
  const status::ConditionState was = found == nullptr ? status::ConditionState{} : found->state;
  return was.status != states[index].status || was.reason != states[index].reason;
}

}  // namespace

Task<void> EventRecorder::Record(kube::ObjectPtr connector, status::ConditionStates states) {
  const std::vector<status::Condition> before = status::ReadConditions(connector->json());
  const status::ConditionState& ready = states[status::kReady];
  const status::ConditionState& proxy = states[status::kProxyService];
  std::vector<status::ConditionState> to_record;
  const bool only_not_yet = ready.reason == status::ConditionState{}.reason;
  if (Differs(before, states, status::kReady) && !only_not_yet) {
    to_record.push_back(ready);
  }
  if (proxy.reason == kServiceNameTaken && ready.reason != kServiceNameTaken &&
      Differs(before, states, status::kProxyService)) {
    to_record.push_back(proxy);
  }
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
    parts_.logger->Debug("an event could not be written",
                         {{"connector", note.ref.ToString()},
                          {"reason", note.reason},
                          {"error", written.error().message}});
  }
}

}  // namespace connector::controller
