#pragma once

// One test's client to the shared API server, in a namespace of its own, and short ways to say what
// the tests of this folder say often.

#include "common/kube/api_client.h"
#include "tests/support/cpp/kube_server.h"
#include "tests/support/cpp/run_task.h"

#include <chrono>
#include <mutex>
#include <string>
#include <vector>

namespace connector::kube {

inline Deadline SoonEnough() {
  return std::chrono::steady_clock::now() + std::chrono::seconds(30);
}

inline constexpr ResourceType kConfigMaps{"", "v1", "configmaps", "ConfigMap", true};

class KubeWorld {
 public:
  explicit KubeWorld(std::string token = "") : client_(server().Settings(token), Parts()) {}

  [[nodiscard]] static testing_support::KubeServer& server() {
    return testing_support::KubeServer::Shared();
  }
  [[nodiscard]] static ApiClientParts Parts() {
    ApiClientParts parts;
    parts.random = [] { return 0.5; };
    parts.user_agent = "connector-test";
    return parts;
  }
  [[nodiscard]] ApiClient& client() { return client_; }
  [[nodiscard]] const std::string& ns() const { return ns_; }

  template <typename T>
  T Run(Task<T> task) {
    return testing_support::RunTask(std::move(task));
  }

  // A ConfigMap with one value.
  [[nodiscard]] static boost::json::object Map(const std::string& name, const std::string& value) {
    return {{"metadata", {{"name", name}}}, {"data", {{"key", value}}}};
  }
  ObjectPtr Make(const std::string& name, const std::string& value = "1") {
    return *Run(client_.Create(kConfigMaps, ns_, Map(name, value), SoonEnough()));
  }
  ObjectPtr Change(const std::string& name, const std::string& value) {
    return *Run(client_.MergePatch(
        kConfigMaps, {ns_, name}, "", {{"data", {{"key", value}}}}, SoonEnough()));
  }

 private:
  const std::string ns_ = server().NewNamespace();
  ApiClient client_;
};

inline std::string ValueOf(const Object& map) {
  return map.json().at("data").at("key").as_string().c_str();
}

}  // namespace connector::kube
