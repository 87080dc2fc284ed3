#pragma once

// ListenerCaFollower: keeps up with the certificate of the brokers' listener authority, which
// clients verify data planes by and the status of each Connector carries. It changes with the
// brokers' root key and hardly ever otherwise, so it is asked for once a minute, and no more.
//
// Everything runs on the one thread of the executor.

#include "common/async/task.h"
#include "controller/probe/probe_client.h"

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace connector::controller::probe {

inline constexpr std::chrono::seconds kListenerCaPeriod{60};
inline constexpr std::chrono::seconds kListenerCaFirstRetry{2};  // Until a broker has said it once.

class ListenerCaFollower {
 public:
  struct Parts {
    ProbeClient* broker = nullptr;  // Outlives the follower.
    // With PEM, or empty where brokers have no listener authority; once for each change.
    std::function<void(const std::string& pem)> on_change;
  };

  explicit ListenerCaFollower(Parts parts);
  ~ListenerCaFollower();
  ListenerCaFollower(const ListenerCaFollower&) = delete;
  ListenerCaFollower& operator=(const ListenerCaFollower&) = delete;

  void Start(Executor executor);
  // False when `deadline` came before the last question ended; ProbeClient::Shutdown ends it.
  [[nodiscard]] Task<bool> Stop(Deadline deadline);

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace connector::controller::probe
