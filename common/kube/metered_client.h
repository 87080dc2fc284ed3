#pragma once

// MeteredClient: the one client of the Kubernetes API of a program, with its metrics.

#include "common/kube/api_client.h"
#include "common/kube/cluster_connection.h"
#include "common/log/log.h"
#include "common/program/component.h"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <memory>
#include <optional>
#include <string>

namespace connector::kube {

// Thread-safe.
class MeteredClient final : public program::Component {
 public:
  // All outlive it.
  struct Parts {
    std::string program;  // As in metric names: "broker" of connector-broker.
    log::Logger& logger;
    prometheus::Registry& registry;
  };

  MeteredClient(ClusterConnection connection, const Parts& parts);

  [[nodiscard]] ApiClient& client() { return client_; }
  [[nodiscard]] const std::string& server() const { return server_; }  // https://HOST:PORT

  // Ends the requests under way.
  void Stop(Deadline deadline) override;

 private:
  void Note(const ApiRequestReport& exchange);

  const std::string server_;
  prometheus::Family<prometheus::Counter>& requests_;
  prometheus::Family<prometheus::Histogram>& duration_;
  ApiClient client_;
};

// Null without `connection`: nothing asks the API.
[[nodiscard]] std::unique_ptr<MeteredClient> MakeMeteredClient(
    const std::optional<ClusterConnection>& connection, const MeteredClient::Parts& parts);

// The client of a MeteredClient that may be null.
[[nodiscard]] ApiClient* ClientOf(MeteredClient* client);

}  // namespace connector::kube
