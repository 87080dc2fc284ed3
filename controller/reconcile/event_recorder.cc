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

Task<void> EventTeller::TellOf(kube::ObjectPtr connector, status::Verdicts verdicts) {
  const std::vector<status::Condition> before = status::ReadConditions(connector->json());
  const status::Verdict& ready = verdicts[status::kReady];
  const status::Verdict& proxy = verdicts[status::kProxyService];
  std::vector<status::Verdict> told;
  const bool only_not_yet = ready.reason == status::Verdict{}.reason;
  if (Differs(before, verdicts, status::kReady) && !only_not_yet) {
    told.push_back(ready);
  }
  if (proxy.reason == kServiceNameTaken && ready.reason != kServiceNameTaken &&
      Differs(before, verdicts, status::kProxyService)) {
    told.push_back(proxy);
  }
  for (const status::Verdict& each : told) {
    Happening happening{{connector->name().ns, connector->name().name},
                        connector->uid(),
                        each.truth != status::Truth::kTrue,
                        each.reason,
                        each.message};
    co_await Write(std::move(happening));
  }
}

Task<void> EventTeller::Write(Happening happening) {
  std::optional<EventWrite> write =
      events_.Note(happening, std::chrono::steady_clock::now(), parts_.clock->Now());
  if (!write) {
    co_return;
  }
  kube::ObjectName name{happening.ref.ns, write->name};
  Result<kube::ObjectPtr> written;
  if (write->create) {
    written = co_await parts_.writer->Create(kube::kEvents, name.ns, std::move(write->body));
  } else {
    written = co_await parts_.writer->MergePatch(
        kube::kEvents, name, std::string(), std::move(write->body));
  }
  if (!written && !IsNotLeading(written.error())) {
    parts_.logger->Debug("an event could not be written",
                         {{"connector", happening.ref.ToString()},
                          {"reason", happening.reason},
                          {"error", written.error().message}});
  }
}

}  // namespace connector::controller
