#include "common/kube/metered_client.h"

#include "common/base/version.h"
#include "common/metrics/buckets.h"
#include "common/resilience/random.h"

#include <chrono>
#include <utility>

namespace connector::kube {

MeteredClient::MeteredClient(ClusterConnection connection, const Parts& parts)
    : server_(connection.server.ToString()),
      requests_(prometheus::BuildCounter()
                    .Name("connector_" + parts.program + "_kubernetes_requests_total")
                    .Help("Requests to the Kubernetes API. code: the answer's status, 0 without "
                          "one.")
                    .Register(parts.registry)),
      duration_(prometheus::BuildHistogram()
                    .Name("connector_" + parts.program + "_kubernetes_request_duration_seconds")
                    .Help("Time of one request to the Kubernetes API, but watches.")
                    .Register(parts.registry)),
      client_(std::move(connection),
              ApiClientParts{&parts.logger,
                             resilience::RandomFraction,
                             [this](const ApiRequestReport& exchange) { Note(exchange); },
                             "connector-" + parts.program + "/" + kVersion}) {}

void MeteredClient::Stop(Deadline /*deadline*/) {
  client_.Shutdown();
}

void MeteredClient::Note(const ApiRequestReport& exchange) {
  const std::string verb(exchange.verb);
  requests_
      .Add({{"verb", verb},
            {"resource", exchange.resource},
            {"code", std::to_string(exchange.status)}})
      .Increment();
  if (exchange.verb != "watch") {
    duration_.Add({{"verb", verb}}, metrics::LatencyBuckets())
        .Observe(std::chrono::duration<double>(exchange.took).count());
  }
}

std::unique_ptr<MeteredClient> MakeMeteredClient(const std::optional<ClusterConnection>& connection,
                                                 const MeteredClient::Parts& parts) {
  return connection ? std::make_unique<MeteredClient>(connection->Clone(), parts) : nullptr;
}

ApiClient* ClientOf(MeteredClient* client) {
  return client == nullptr ? nullptr : &client->client();
}

}  // namespace connector::kube
