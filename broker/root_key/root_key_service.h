#pragma once

// RootKeyService: reads the root keys again while the broker runs, and puts them in force.
//
// Keys that would make the one in force unknown are not taken: what was sealed with it would open
// no more, and brokers that still have it would not be understood. Only a restart drops it at once.
// Files that cannot be used change nothing; the broker is degraded and says why.

#include "broker/root_key/active_root_keys.h"
#include "common/base/polling_thread.h"
#include "common/config/stable_reader.h"
#include "common/log/log.h"
#include "common/program/component.h"

#include <chrono>
#include <functional>
#include <mutex>
#include <string>

namespace connector::broker::root_key {

inline constexpr std::chrono::seconds kPollInterval{1};

class RootKeyService final : public program::Component {
 public:
  // All outlive the service.
  struct Parts {
    ActiveRootKeys& active;
    log::Logger& logger;
    // Called with every later set of keys, once it is in force.
    std::function<void(const RootKeysPtr&)> on_change = {};
  };

  // `file` is the current key's (root_keys.h).
  RootKeyService(const std::string& file, Parts parts);
  ~RootKeyService() override;
  RootKeyService(const RootKeyService&) = delete;
  RootKeyService& operator=(const RootKeyService&) = delete;

  [[nodiscard]] Result<Done> Start() override;
  void Stop(Deadline deadline) override;
  void AddReadiness(admin::Readiness& readiness) const override;
  void AddStatus(admin::StatusReport& status) const override;

  // Reads the files once. One call at a time.
  void Poll();

 private:
  // Why the files cannot be used; empty when they are in force.
  [[nodiscard]] std::string Take(const Result<RootKeys>& reading);

  const std::string file_;
  const Parts parts_;
  config::StableReader<RootKeys> reader_;

  mutable std::mutex mutex_;  // Guards the problem.
  std::string problem_;
  PollingThread thread_;
};

}  // namespace connector::broker::root_key
