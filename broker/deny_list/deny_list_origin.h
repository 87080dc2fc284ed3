#pragma once

// DenyListOrigin: where the deny list stands. Implementations: a file (deny_list_file.h), a
// ConfigMap of the Kubernetes API (deny_list_config_map.h). Knows nothing of what a list says.

#include "common/async/task.h"
#include "common/base/result.h"

#include <chrono>
#include <optional>
#include <string>

namespace connector::broker::deny_list {

struct DenyListReading {
  Result<std::string> text;   // Or why there is none.
  std::string revision = {};  // Where the place itself counts changes: "resourceVersion 17".
};

class DenyListOrigin {
 public:
  virtual ~DenyListOrigin() = default;

  // For people: "file /etc/deny.yaml", "ConfigMap ns/name".
  [[nodiscard]] virtual std::string Name() const = 0;
  virtual void Start() {}
  virtual void Stop(Deadline /*deadline*/) {}

  // What is there, when that differs from what the last call told; none when it does not, or is
  // not known yet. One call at a time.
  [[nodiscard]] virtual std::optional<DenyListReading> Poll() = 0;
  // For how long changes cannot be seen. Thread-safe.
  [[nodiscard]] virtual std::chrono::steady_clock::duration Silence() const { return {}; }

 protected:
  DenyListOrigin() = default;
  DenyListOrigin(const DenyListOrigin&) = default;
  DenyListOrigin& operator=(const DenyListOrigin&) = default;
};

}  // namespace connector::broker::deny_list
