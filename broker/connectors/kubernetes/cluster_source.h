#pragma once

// ClusterSource: passes the Connectors and ConnectorClasses of two informers to the publisher.
// cluster_resources.h decides what stays effective when one is wrong.

#include "broker/connectors/catalog_publisher.h"
#include "broker/connectors/kubernetes/cluster_resources.h"
#include "common/config/problem.h"
#include "common/kube/informer.h"
#include "common/log/log.h"

#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace prometheus {
class Counter;
class Gauge;
class Registry;
}  // namespace prometheus

namespace connector::broker::connectors {

// Thread-safe.
class ClusterSource {
 public:
  // All outlive the source.
  struct Targets {
    CatalogPublisher& publisher;
    log::Logger& logger;
    prometheus::Registry& registry;
  };

  explicit ClusterSource(Targets targets);
  ClusterSource(const ClusterSource&) = delete;
  ClusterSource& operator=(const ClusterSource&) = delete;

  // Called by the informers. Nothing is published before both have called once: without its class a
  // Connector would look broken.
  void TakeConnectors(const std::shared_ptr<const kube::Store>& connectors,
                      const kube::Changes& changes);
  void TakeClasses(const std::shared_ptr<const kube::Store>& classes);

  // True once something was published.
  [[nodiscard]] bool published() const;

  // Of the last state, in the order of names.
  [[nodiscard]] std::vector<config::Problem> LastProblems() const;

 private:
  void Publish();  // Under the lock.
  void ReportProblems();

  const Targets targets_;
  prometheus::Gauge& problem_count_;
  prometheus::Counter& ok_;
  prometheus::Counter& with_problems_;

  mutable std::mutex mutex_;  // Held while it is published, so that the last state is the last one.
  ClusterResources resources_;
  bool have_connectors_ = false;
  bool have_classes_ = false;
  bool published_ = false;
  std::vector<config::Problem> problems_;
};

}  // namespace connector::broker::connectors
