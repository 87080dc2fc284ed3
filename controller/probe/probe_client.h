#pragma once

// Asks a broker to probe a Connector (CheckConnector), and for the certificate of its listener
// authority. Holds nothing but the controller's own client certificate; what comes back are names
// of steps and sentences, and what is public.

#include "common/async/task.h"
#include "common/base/connector_ref.h"
#include "common/base/result.h"
#include "controller/status/probe_memory.h"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace grpc {
class ChannelInterface;
}  // namespace grpc

namespace connector::broker_client {
class BrokerClient;
}  // namespace connector::broker_client

namespace connector::controller::probe {

class ProbeClient {
 public:
  ProbeClient(const std::shared_ptr<::grpc::ChannelInterface>& channel,
              std::chrono::milliseconds timeout);
  ~ProbeClient();  // Calls under way end first, with kUnavailable.
  ProbeClient(const ProbeClient&) = delete;
  ProbeClient& operator=(const ProbeClient&) = delete;

  // Errors: kNotFound (the broker does not know the Connector, perhaps not yet), kPermissionDenied
  // (it does not take our certificate for an operator's), kUnavailable and kDeadlineExceeded.
  [[nodiscard]] Task<Result<std::vector<status::ProbeStepResult>>> Check(ConnectorRef ref);

  // PEM; empty where the brokers have no listener authority. Errors as Check's, without kNotFound.
  [[nodiscard]] Task<Result<std::string>> ListenerCa();

  // Calls under way fail, and so does what comes.
  void Shutdown();

 private:
  // Of this object alone: its end waits for the calls, and so must come before the executor's.
  std::unique_ptr<broker_client::BrokerClient> broker_;
};

}  // namespace connector::controller::probe
