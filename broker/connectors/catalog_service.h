#pragma once

// CatalogService: the catalog as a part of the program: what it waits for before calls come, and
// its metrics.

#include "broker/connectors/catalog_publisher.h"
#include "common/log/log.h"
#include "common/program/component.h"

namespace connector::broker::connectors {

class CatalogService final : public program::Component {
 public:
  // All outlive the service.
  CatalogService(const Catalog& catalog, CatalogPublisher& publisher, log::Logger& logger)
      : catalog_(catalog), publisher_(publisher), logger_(logger) {}

  // Waits a little for credentials outside that Connectors of a directory refer to.
  [[nodiscard]] Result<Done> Start() override;
  // Connectors by secret class, and those with a problem.
  [[nodiscard]] std::vector<prometheus::MetricFamily> Metrics() const override;

 private:
  const Catalog& catalog_;
  CatalogPublisher& publisher_;
  log::Logger& logger_;
};

}  // namespace connector::broker::connectors
