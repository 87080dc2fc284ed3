#pragma once

// ApiServer: the gRPC endpoint as a part of the program. Opens the port, answers calls from when
// the resources were read, keeps the sealing keys of the current period, and drains.

#include "broker/api/broker_endpoint.h"
#include "broker/api/serving_state.h"
#include "common/async/one_shot.h"
#include "common/async/task_group.h"
#include "common/program/component.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace connector::broker::api {

class ApiServer final : public program::Component {
 public:
  // `parts` as Endpoint's; `state` is the server's own.
  ApiServer(EndpointOptions options, EndpointParts parts);

  // Calls are answered from now on. Any thread.
  void ResourcesRead();

  [[nodiscard]] Result<Done> Start() override;
  void Stop(Deadline deadline) override;
  [[nodiscard]] std::vector<prometheus::MetricFamily> Metrics() const override;
  void AddReadiness(admin::Readiness& readiness) const override;

  [[nodiscard]] std::uint16_t port() const;  // 0 before Start.

 private:
  [[nodiscard]] Task<void> FollowKeySchedule();

  const EndpointOptions options_;
  EndpointParts parts_;
  ServingState state_;
  TaskGroup tasks_;
  const std::shared_ptr<OneShot<Done>> stopping_ = std::make_shared<OneShot<Done>>();
  std::unique_ptr<BrokerEndpoint> endpoint_;
};

}  // namespace connector::broker::api
