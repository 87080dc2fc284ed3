#include "broker/api/probe_connector.h"

#include "broker/api/to_proto.h"

#include <utility>
#include <vector>

namespace connector::broker::api {
namespace {

Task<v1::CheckConnectorResponse> Probe(health_check::Prober* prober,
                                       std::shared_ptr<const connectors::CatalogEntry> entry,
                                       Deadline deadline) {
  const std::vector<health_check::HealthCheckStep> steps =
      co_await prober->Check(std::move(entry), deadline);
  v1::CheckConnectorResponse response;
  for (const health_check::HealthCheckStep& step : steps) {
    v1::ProbeStep& out = *response.add_steps();
    out.set_name(step.name);
    out.set_ok(step.ok);
    out.set_reason(step.reason);
    out.set_message(step.message);
    *out.mutable_took() = ToProto(step.took);
  }
  co_return response;
}

}  // namespace

ProbeFunction ProbeWith(health_check::Prober& prober) {
  return [&prober](std::shared_ptr<const connectors::CatalogEntry> entry, Deadline deadline) {
    return Probe(&prober, std::move(entry), deadline);
  };
}

}  // namespace connector::broker::api
