#include "controller/app/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace connector::controller::app {
namespace {

kube::ObjectPtr Connector(const std::string& name, const std::string& conditions) {
  return *kube::Object::Parse(R"({"metadata":{"namespace":"ns","resourceVersion":"1","name":")" +
                              name + R"("},"status":{"conditions":[)" + conditions + "]}}");
}

// Nobody but the caller holds it, as when a watch replaces the store meanwhile.
std::shared_ptr<const kube::Store> Fresh() {
  auto store = std::make_shared<kube::Store>();
  const char* taken = R"({"type":"Ready","status":"False","reason":"ServiceNameTaken"})";
  store->objects[{"ns", "a"}] = Connector("a", taken);
  store->objects[{"ns", "b"}] = Connector("b", taken);
  store->objects[{"ns", "c"}] = Connector("c", "");
  return store;
}

TEST(CountConnectors, ByReadyAndItsReason) {
  const prometheus::MetricFamily family = CountConnectors(Fresh());

  std::vector<std::string> found;
  for (const prometheus::ClientMetric& metric : family.metric) {
    found.push_back(metric.label.at(0).value + " " + metric.label.at(1).value + " " +
                    std::to_string(static_cast<int>(metric.gauge.value)));
  }
  EXPECT_THAT(found, ::testing::ElementsAre("False ServiceNameTaken 2", "Unknown NotProbed 1"));
}

}  // namespace
}  // namespace connector::controller::app
