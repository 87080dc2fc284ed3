#pragma once

// ClusterResources: decides which connectors of the Kubernetes API are effective. The rules are
// those of files (effective_resources.h): a Connector with problems of its own or of its class
// keeps its last good version and disturbs no other. A deleted one stops at once.
//
// No socket, no lock, no clock. Unchanged resources are not read again, unless a class changes.

#include "broker/connectors/effective_resources.h"
#include "common/config/problem.h"
#include "common/kube/informer.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace connector::broker::connectors {

class ClusterResources {
 public:
  // All classes; every connector is looked at anew.
  void TakeClasses(const kube::Store& classes);
  // `changes` names the connectors of `connectors` that appeared, changed or vanished. None is
  // effective before the classes are known.
  void TakeConnectors(const kube::Store& connectors, const kube::Changes& changes);

  [[nodiscard]] std::shared_ptr<const EffectiveResources> effective() const { return effective_; }
  // Problems of the current resources, in the order of names.
  [[nodiscard]] std::vector<config::Problem> Problems() const;

 private:
  using Documents = resource::FileDocuments;

  // Connectors of `names` against the classes.
  void Resolve(const std::vector<ConnectorRef>& names);

  bool have_classes_ = false;
  std::vector<Documents> classes_;
  std::map<ConnectorRef, kube::ObjectPtr> connectors_;  // The informer's: no second copy.
  std::map<std::string, std::vector<config::Problem>> class_problems_;
  std::map<ConnectorRef, std::vector<config::Problem>> problems_;
  std::shared_ptr<const EffectiveResources> effective_ = std::make_shared<EffectiveResources>();
};

}  // namespace connector::broker::connectors
