#pragma once

// MeteredClient: the broker's one client of the Kubernetes API, with its metrics. Everything that
// asks the API asks through it.

#include "common/kube/api_client.h"
#include "common/kube/cluster_connection.h"
#include "common/log/log.h"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <string>

namespace connector::kube {

// In [0, 1), thread-safe: for backoff.
[[nodiscard]] double RandomFraction();

// Thread-safe.
class MeteredClient {
 public:
  // `logger` and `registry` outlive it.
  MeteredClient(ClusterConnection connection, log::Logger& logger, prometheus::Registry& registry);

  [[nodiscard]] ApiClient& client() { return client_; }
  [[nodiscard]] const std::string& server() const { return server_; }  // https://HOST:PORT

 private:
  void Note(const ApiRequestReport& exchange);

  const std::string server_;
  prometheus::Family<prometheus::Counter>& requests_;
  prometheus::Family<prometheus::Histogram>& duration_;
  ApiClient client_;
};

}  // namespace connector::kube
