#pragma once

// What the status page of a broker shows beside the sections of its parts: the connectors with what
// is known of their credentials and failures, and what was issued. Never a secret, a token or a
// caller's name.

#include "broker/api/issue_failures.h"
#include "broker/api/issue_metrics.h"
#include "broker/api/watch_hub.h"
#include "broker/connectors/catalog.h"
#include "broker/connectors/catalog_publisher.h"
#include "common/program/component.h"

#include <vector>

namespace connector::broker::app {

class BrokerStatus final : public program::Component {
 public:
  // All outlive it.
  struct Sources {
    const connectors::Catalog& catalog;
    const connectors::CatalogPublisher& publisher;
    const api::WatchHub& hub;
    const api::IssueMetrics& issued;
    const api::IssueFailures& failures;
  };

  explicit BrokerStatus(const Sources& sources) : sources_(sources) {}

  [[nodiscard]] std::vector<prometheus::MetricFamily> Metrics() const override;
  void AddStatus(admin::StatusReport& status) const override;

 private:
  const Sources sources_;
};

}  // namespace connector::broker::app
