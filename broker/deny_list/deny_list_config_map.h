#pragma once

// DenyListConfigMap: the deny list in one ConfigMap, watched through the Kubernetes API. A kubelet
// takes up to a minute to change a mounted one. Needs `list` and `watch` on that ConfigMap alone.

#include "broker/deny_list/deny_list_origin.h"
#include "common/base/clock.h"
#include "common/kube/informer.h"
#include "common/log/log.h"

#include <chrono>
#include <memory>
#include <mutex>

namespace connector::broker::deny_list {

inline constexpr const char* kDenyListKey = "deny-list.yaml";  // In the ConfigMap's data.

class DenyListConfigMap final : public DenyListOrigin {
 public:
  // All outlive it.
  struct Parts {
    kube::ApiClient& client;
    const Clock& clock;
    Executor executor;
    log::Logger& logger;
    std::chrono::milliseconds max_silence;  // When the broker stops to grant.
  };

  DenyListConfigMap(kube::ObjectName name, const Parts& parts);

  [[nodiscard]] std::string Name() const override { return "ConfigMap " + name_.ToString(); }
  void Start() override;
  void Stop(Deadline deadline) override;
  [[nodiscard]] std::optional<DenyListReading> Poll() override;
  [[nodiscard]] std::chrono::steady_clock::duration Silence() const override;

 private:
  void Take(const kube::Store& store);

  const kube::ObjectName name_;
  const Clock& clock_;
  const Executor executor_;
  std::mutex mutex_;
  std::optional<DenyListReading> news_;  // What Poll has not told yet.
  std::string failure_;                  // That Poll told, before the first list.
  bool heard_ = false;
  kube::Informer informer_;
};

}  // namespace connector::broker::deny_list
