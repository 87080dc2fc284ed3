#include "controller/reconcile/event_recorder.h"

#include "controller/reconcile/proxy_service_reconciler.h"

#include <chrono>
#include <optional>
#include <vector>

namespace connector::controller {
namespace {

// Whether True or False became another, or the reason did.
bool Differs(const std::vector<status::Condition>& before,
             const status::Verdicts& verdicts,
             status::Index index) {
  const status::Condition* found = status::Find(before, status::kTypes[index]);
  const status::Verdict was = found == nullptr ? status::Verdict{} : found->verdict;
  return was.truth != verdicts[index].truth || was.reason != verdicts[index].reason;
}

}  // namespace

Task<void> EventRecorder::Record(kube::ObjectPtr connector, status::Verdicts verdicts) {
  const std::vector<status::Condition> before = status::ReadConditions(connector->json());
  const status::Verdict& ready = verdicts[status::kReady];
  const status::Verdict& proxy = verdicts[status::kProxyService];
  std::vector<status::Verdict> to_record;
  const bool only_not_yet = ready.reason == status::Verdict{}.reason;
  if (Differs(before, verdicts, status::kReady) && !only_not_yet) {
    to_record.push_back(ready);
  }
  if (proxy.reason == kServiceNameTaken && ready.reason != kServiceNameTaken &&
      Differs(before, verdicts, status::kProxyService)) {
    to_record.push_back(proxy);
  }
  for (const status::Verdict& each : to_record) {
    EventNote note{{connector->name().ns, connector->name().name},
                   connector->uid(),
                   each.truth != status::Truth::kTrue,
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
