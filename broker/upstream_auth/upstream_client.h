#pragma once

// UpstreamClient: the broker's only way to registries and token services. Lets curl connect only
// where the upstream policy of the connector allows it, judged by the address that is connected.
//
// However no connection came about, callers of this get one error: whoever writes Connectors would
// scan networks with the difference. The cause goes to the observer alone.

#include "common/async/task.h"
#include "common/base/connector_ref.h"
#include "common/curl/curl_client.h"
#include "common/routing/upstream_policy.h"

#include <functional>
#include <memory>
#include <string>

namespace connector::broker::upstream_auth {

// kUnavailable; names the host.
[[nodiscard]] Error NoConnection(const http::Origin& origin);

// Thread-safe.
class UpstreamClient {
 public:
  // For our own log. Called in any thread.
  using Observer = std::function<void(const ConnectorRef& connector, const std::string& cause)>;

  // The connector that a request is for, and what holds for its namespace.
  struct Purpose {
    ConnectorRef connector;
    std::shared_ptr<const routing::UpstreamPolicy> policy;  // Never null.
  };

  explicit UpstreamClient(Observer observe = {}) : observe_(std::move(observe)) {}

  // As CurlClient::Perform, and NoConnection.
  [[nodiscard]] Task<Result<curl::CurlResponse>> Perform(Purpose purpose,
                                                         curl::CurlRequest request,
                                                         Deadline deadline);

  void Shutdown() { client_.Shutdown(); }

 private:
  const Observer observe_;
  curl::CurlClient client_;
};

}  // namespace connector::broker::upstream_auth
