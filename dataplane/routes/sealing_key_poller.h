#pragma once

// SealingKeyPoller: has the keys that seal upload sessions and pages, and asks a broker for them
// again when it is time to. While no broker answers, the last ones stay in force: they are good for
// hours. They are asked for apart from the routes, because operators may watch routes.

#include "common/base/result.h"
#include "common/crypto/seal.h"
#include "common/log/log.h"

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace grpc {
class ChannelInterface;
}

namespace connector::broker::v1 {
class GetSealingKeysResponse;
}

namespace connector::dataplane::routes {

// The keys in a broker's answer. Fails with kInvalidArgument when one of them is no key, two have
// one id, or none is current: sessions sealed with the rest would be unknown elsewhere.
[[nodiscard]] Result<std::shared_ptr<const crypto::SealKeys>> ReadSealingKeys(
    const ::connector::broker::v1::GetSealingKeysResponse& response);

struct SealingKeyStatus {
  bool received = false;  // Since start.
  std::string problem;    // Why the last attempt failed, in the broker's or gRPC's words.
};

class SealingKeyPoller {
 public:
  using Publish = std::function<void(std::shared_ptr<const crypto::SealKeys>)>;

  // `publish` is called from the poller's own thread, once for each answer, between Start and the
  // end of Stop.
  SealingKeyPoller(const std::shared_ptr<grpc::ChannelInterface>& channel,
                   std::chrono::milliseconds timeout,
                   Publish publish,
                   log::Logger& logger);
  ~SealingKeyPoller();  // Stops.

  void Start();  // Once only.
  void Stop();   // Ends the call under way and waits for the thread. Idempotent.

  // Any thread, also before Start and after Stop.
  [[nodiscard]] SealingKeyStatus Status() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace connector::dataplane::routes
