#include "broker/connectors/kubernetes/cluster_source.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <set>
#include <string_view>
#include <tuple>
#include <utility>

namespace connector::broker::connectors {
namespace {

prometheus::Counter& MakeCounter(prometheus::Registry& registry, const char* result) {
  return prometheus::BuildCounter()
      .Name("connector_broker_resource_reloads_total")
      .Help(
          "Batches of changes from the Kubernetes API: ok, or problems (some resource was "
          "refused)")
      .Register(registry)
      .Add({{"result", result}});
}

using Words = std::tuple<std::string_view, std::string_view, std::string_view>;

Words WordsOf(const config::Problem& problem) {
  return {problem.file, problem.path, problem.message};
}

}  // namespace

ClusterSource::ClusterSource(Targets targets)
    : targets_(targets),
      problem_count_(prometheus::BuildGauge()
                         .Name("connector_broker_resource_problems")
                         .Help("Problems in the resources of the Kubernetes API")
                         .Register(targets.registry)
                         .Add({})),
      ok_(MakeCounter(targets.registry, "ok")),
      with_problems_(MakeCounter(targets.registry, "problems")) {}

void ClusterSource::TakeConnectors(const std::shared_ptr<const kube::Store>& connectors,
                                   const kube::Changes& changes) {
  const std::lock_guard lock(mutex_);
  resources_.TakeConnectors(*connectors, changes);
  have_connectors_ = true;
  Publish();
}

void ClusterSource::TakeClasses(const std::shared_ptr<const kube::Store>& classes) {
  const std::lock_guard lock(mutex_);
  resources_.TakeClasses(*classes);
  have_classes_ = true;
  Publish();
}

void ClusterSource::Publish() {
  if (!have_connectors_ || !have_classes_) {
    return;
  }
  static_cast<void>(targets_.publisher.Publish(resources_.effective()));
  ReportProblems();
  (problems_.empty() ? ok_ : with_problems_).Increment();
  if (!std::exchange(published_, true)) {
    targets_.logger.Info("resources loaded",
                         {{"connectors", resources_.effective()->connectors.size()},
                          {"problems", problems_.size()}});
  }
}

// Logs each problem once, as long as it lasts.
void ClusterSource::ReportProblems() {
  std::vector<config::Problem> now = resources_.Problems();
  problem_count_.Set(static_cast<double>(now.size()));
  std::set<Words> said;
  for (const config::Problem& problem : problems_) {
    said.insert(WordsOf(problem));
  }
  for (const config::Problem& problem : now) {
    if (!said.contains(WordsOf(problem))) {
      targets_.logger.Warning(
          "resource refused",
          {{"resource", problem.file}, {"path", problem.path}, {"problem", problem.message}});
    }
  }
  problems_ = std::move(now);
}

bool ClusterSource::published() const {
  const std::lock_guard lock(mutex_);
  return published_;
}

std::vector<config::Problem> ClusterSource::LastProblems() const {
  const std::lock_guard lock(mutex_);
  return problems_;
}

}  // namespace connector::broker::connectors
