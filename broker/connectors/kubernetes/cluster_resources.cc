#include "broker/connectors/kubernetes/cluster_resources.h"

#include <utility>

namespace connector::broker::connectors {
namespace {

using resource::Kind;

ConnectorRef RefOf(const kube::ObjectName& name) {
  return {name.ns, name.name};
}

std::string TitleOf(const ConnectorRef& ref) {
  return resource::Title({Kind::kConnector, ref.ns, ref.name});
}

}  // namespace

void ClusterResources::TakeClasses(const kube::Store& classes) {
  have_classes_ = true;
  classes_.clear();
  class_problems_.clear();
  for (const auto& [name, object] : classes.objects) {
    classes_.push_back(resource::ParseObject(Kind::kConnectorClass, object->json()));
    if (!classes_.back().problems.empty()) {
      class_problems_.emplace(name.name, classes_.back().problems);
    }
  }
  std::vector<ConnectorRef> all;
  all.reserve(connectors_.size());
  for (const auto& [ref, object] : connectors_) {
    all.push_back(ref);
  }
  Resolve(all);
}

void ClusterResources::TakeConnectors(const kube::Store& connectors, const kube::Changes& changes) {
  std::vector<ConnectorRef> names;
  for (const kube::ObjectName& name : changes) {
    const kube::ObjectPtr object = connectors.Find(name);
    names.push_back(RefOf(name));
    if (object == nullptr) {
      connectors_.erase(names.back());
    } else {
      connectors_[names.back()] = object;
    }
  }
  // Without the classes a Connector would count as good that its class does not let be.
  if (have_classes_) {
    Resolve(names);
  }
}

void ClusterResources::Resolve(const std::vector<ConnectorRef>& names) {
  std::vector<Documents> documents = classes_;
  documents.reserve(documents.size() + names.size());
  for (const ConnectorRef& ref : names) {
    problems_.erase(ref);
    if (const auto found = connectors_.find(ref); found != connectors_.end()) {
      documents.push_back(resource::ParseObject(Kind::kConnector, found->second->json()));
    }
  }
  resource::DirectoryContent content =
      resource::Assemble(std::move(documents), resource::SecretSource::kElsewhere);
  auto next = std::make_shared<EffectiveResources>(*effective_);
  std::map<std::string, ConnectorRef> titles;
  for (const ConnectorRef& ref : names) {
    titles.emplace(TitleOf(ref), ref);
    const auto good = content.connectors.find(ref);
    if (good != content.connectors.end()) {
      next->connectors.insert_or_assign(ref, std::move(good->second));
    } else if (!connectors_.contains(ref)) {
      next->connectors.erase(ref);  // Gone at once (docs/promises.md P6).
    } else if (const auto kept = next->connectors.find(ref); kept != next->connectors.end()) {
      NarrowByItsClass(content.classes, kept->second);
    }
  }
  for (config::Problem& problem : content.problems) {
    if (const auto found = titles.find(problem.file); found != titles.end()) {
      problems_[found->second].push_back(std::move(problem));
    }
  }
  effective_ = std::move(next);
}

std::vector<config::Problem> ClusterResources::Problems() const {
  std::vector<config::Problem> out;
  for (const auto& [name, problems] : class_problems_) {
    out.insert(out.end(), problems.begin(), problems.end());
  }
  for (const auto& [ref, problems] : problems_) {
    out.insert(out.end(), problems.begin(), problems.end());
  }
  return out;
}

}  // namespace connector::broker::connectors
