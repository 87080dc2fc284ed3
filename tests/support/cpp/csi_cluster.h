#pragma once

// What the CSI driver knows of a cluster, made by hand: Connectors, classes, and what the API says
// about rights. No API server.

#include "common/kube/informer.h"
#include "common/kube/object.h"
#include "csi/cluster/proxy_access_checker.h"
#include "csi/publish/resolver.h"

#include <memory>
#include <string>

namespace connector::testing_support {

class CsiCluster {
 public:
  // A Connector that works, or one with `conditions` of its own.
  void PutConnector(const std::string& ns,
                    const std::string& name,
                    const std::string& conditions = R"([{"type":"Ready","status":"True"}])",
                    const std::string& spec = R"({"address":"https://harbor.example.com"})") {
    const std::string json = R"({"metadata":{"namespace":")" + ns + R"(","name":")" + name +
                             R"(","resourceVersion":"1"},"spec":)" + spec +
                             R"(,"status":{"address":{"host":"c-)" + name + "." + ns +
                             R"(.svc"},"conditions":)" + conditions + "}}";
    Put(connectors_, json);
  }
  // One that works, with this status.address.
  void PutConnectorAt(const std::string& ns,
                      const std::string& name,
                      const boost::json::object& address) {
    const boost::json::object json{
        {"metadata", {{"namespace", ns}, {"name", name}, {"resourceVersion", "2"}}},
        {"spec", {{"address", "https://harbor.example.com"}}},
        {"status",
         {{"address", address},
          {"conditions",
           boost::json::array{boost::json::object{{"type", "Ready"}, {"status", "True"}}}}}}};
    Put(connectors_, boost::json::serialize(json));
  }
  void PutClass(const std::string& name, const std::string& spec, const std::string& version) {
    Put(classes_,
        R"({"apiVersion":"oci-connector.dev/v1alpha1","kind":"ConnectorClass","metadata":{"name":")" +
            name + R"(","resourceVersion":")" + version + R"("},"spec":)" + spec + "}");
  }
  void Remove(const std::string& ns, const std::string& name) {
    auto store = std::make_shared<kube::Store>(*connectors_);
    store->objects.erase({ns, name});
    connectors_ = std::move(store);
  }

  [[nodiscard]] csi::publish::ClusterSnapshot Current() const {
    return {synced, connectors_, classes_};
  }

  // The answer to every SubjectAccessReview, and how many there were.
  Task<Result<boost::json::object>> Review() {
    ++reviews;
    co_return review;
  }
  static boost::json::object Allowed(bool allowed) {
    return {{"status", boost::json::object{{"allowed", allowed}}}};
  }

  bool synced = true;
  int reviews = 0;
  Result<boost::json::object> review = Allowed(true);

 private:
  static void Put(std::shared_ptr<const kube::Store>& into, const std::string& json) {
    const auto object = kube::Object::Parse(json);
    auto store = std::make_shared<kube::Store>(*into);
    store->objects[(*object)->name()] = *object;
    into = std::move(store);
  }

  std::shared_ptr<const kube::Store> connectors_ = std::make_shared<kube::Store>();
  std::shared_ptr<const kube::Store> classes_ = std::make_shared<kube::Store>();
};

}  // namespace connector::testing_support
