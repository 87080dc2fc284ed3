#pragma once

// ApiServer: the gRPC endpoint as a part of the program. Opens the port, answers calls from when
// the resources and the deny list were read and while their changes are seen, and drains.

#include "broker/api/broker_endpoint.h"
#include "broker/api/serving_state.h"
#include "common/async/one_shot.h"
#include "common/async/task_group.h"
#include "common/program/component.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace connector::broker::api {

// The resources and the deny list that decisions are made by, as far as the API has to know.
struct ResourceWatch {
  // For how long changes cannot be seen; thread-safe. Empty: they always can.
  std::function<std::chrono::steady_clock::duration()> silence = {};
  std::chrono::milliseconds max_silence = kDefaultMaxSilence;
};

class ApiServer final : public program::Component {
 public:
  // `parts` as Endpoint's; `state` is the server's own.
  ApiServer(EndpointOptions options, EndpointParts parts, ResourceWatch resources = {});

  // Calls are answered from now on. Any thread.
  void ResourcesRead();

  [[nodiscard]] Result<Done> Start() override;
  void Stop(Deadline deadline) override;
  [[nodiscard]] std::vector<prometheus::MetricFamily> Metrics() const override;
  void AddReadiness(admin::Readiness& readiness) const override;

  [[nodiscard]] std::uint16_t port() const;  // 0 before Start.

 private:
  [[nodiscard]] Task<void> FollowClock();
  // Kept out of the coroutine: with these lines in it, code of GCC 12.2 read what no code had
  // written to its frame (seen by valgrind).
  [[gnu::noinline]] void CheckSilence();

  const EndpointOptions options_;
  EndpointParts parts_;
  const ResourceWatch resources_;
  ServingState state_;
  TaskGroup tasks_;
  const std::shared_ptr<OneShot<Done>> stopping_ = std::make_shared<OneShot<Done>>();
  std::unique_ptr<BrokerEndpoint> endpoint_;
};

}  // namespace connector::broker::api
