#include "broker/connectors/catalog_service.h"

#include "common/metrics/families.h"

#include <array>
#include <chrono>
#include <memory>
#include <string>

namespace connector::broker::connectors {
namespace {

// Without what Vault tells, the epochs of connectors would change twice at each start, and data
// planes drop good tokens.
constexpr std::chrono::seconds kFirstReadTimeout{5};

constexpr std::array kClasses = {resource::SecretClass::kNone,
                                 resource::SecretClass::kDerived,
                                 resource::SecretClass::kBounded,
                                 resource::SecretClass::kStatic};

}  // namespace

Result<Done> CatalogService::Start() {
  if (!publisher_.WaitForCredentials(kFirstReadTimeout)) {
    logger_.Warning("not all credentials in Vault could be read; starting without them");
  }
  return Done{};
}

std::vector<prometheus::MetricFamily> CatalogService::Metrics() const {
  const std::shared_ptr<const CatalogSnapshot> snapshot = catalog_.Current();
  std::array<int, kClasses.size()> counts{};
  int with_problem = 0;
  for (const auto& [ref, entry] : snapshot->entries) {
    ++counts.at(static_cast<std::size_t>(resource::ClassOf(entry->connector->auth.kind)));
    with_problem += entry->problem.empty() ? 0 : 1;
  }
  metrics::Families out;
  for (const resource::SecretClass each : kClasses) {
    out.Gauge("connector_broker_connectors",
              "Connectors in force, by how much a stolen data plane would hold.",
              {{"class", std::string(resource::ToString(each))}},
              counts.at(static_cast<std::size_t>(each)));
  }
  out.Gauge("connector_broker_connectors_with_problem",
            "Connectors whose Secret or CA cannot be used.",
            {},
            with_problem);
  return out.Take();
}

}  // namespace connector::broker::connectors
