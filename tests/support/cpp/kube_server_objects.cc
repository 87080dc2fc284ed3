#include "tests/support/cpp/child_process.h"
#include "tests/support/cpp/kube_server.h"
#include "tests/support/cpp/source_tree.h"

#include <chrono>
#include <filesystem>
#include <stdexcept>
#include <thread>

namespace connector::testing_support {
namespace {

namespace json = boost::json;

constexpr std::string_view kCrds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

bool IsEstablished(const json::value& crd) {
  boost::system::error_code ignored;
  const json::value* conditions = crd.find_pointer("/status/conditions", ignored);
  if (conditions == nullptr || !conditions->is_array()) {
    return false;
  }
  for (const json::value& condition : conditions->get_array()) {
    if (condition.at("type") == "Established" && condition.at("status") == "True") {
      return true;
    }
  }
  return false;
}

}  // namespace

void KubeServer::ApplyCrds() {
  const std::string directory = SourcePath("deploy/crds");
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.path().extension() != ".yaml") {
      continue;
    }
    const std::string text = ReadWhole(entry.path());
    if (text.find("kind: CustomResourceDefinition") == std::string::npos) {
      continue;
    }
    const Reply reply = Ask("POST", std::string(kCrds), text, "", "application/yaml");
    if (reply.status != 201 && reply.status != 409) {
      throw std::runtime_error(entry.path().string() + ": " + json::serialize(reply.body));
    }
  }
  // Established is not enough: the endpoint appears a moment later.
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  const json::value all = Must("GET", std::string(kCrds));
  for (const json::value& crd : all.at("items").as_array()) {
    const std::string name = crd.at("metadata").at("name").as_string().c_str();
    const json::value& spec = crd.at("spec");
    const std::string served = std::string("/apis/") + spec.at("group").as_string().c_str() + "/" +
                               spec.at("versions").at(0).at("name").as_string().c_str() + "/" +
                               spec.at("names").at("plural").as_string().c_str();
    while (!IsEstablished(Must("GET", std::string(kCrds) + "/" + name)) ||
           Ask("GET", served).status != 200) {
      if (std::chrono::steady_clock::now() > until) {
        throw std::runtime_error(name + " is not established");
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }
}

std::string KubeServer::NewNamespace(const std::string& prefix) {
  const std::string name = prefix + "-" + std::to_string(++namespaces_);
  Must("POST", "/api/v1/namespaces", json::serialize(json::object{{"metadata", {{"name", name}}}}));
  return name;
}

void KubeServer::NewServiceAccount(const std::string& ns, const std::string& name) {
  Must("POST",
       "/api/v1/namespaces/" + ns + "/serviceaccounts",
       json::serialize(json::object{{"metadata", {{"name", name}}}}));
}

std::string KubeServer::Token(const std::string& ns,
                              const std::string& account,
                              const TokenOptions& options) {
  json::object spec{{"expirationSeconds", options.seconds}};
  if (!options.audience.empty()) {
    spec["audiences"] = json::array{options.audience};
  }
  if (!options.pod.empty()) {
    const json::value pod = Must("GET", "/api/v1/namespaces/" + ns + "/pods/" + options.pod);
    spec["boundObjectRef"] = {{"kind", "Pod"},
                              {"apiVersion", "v1"},
                              {"name", options.pod},
                              {"uid", pod.at("metadata").at("uid")}};
  }
  const json::value made =
      Must("POST",
           "/api/v1/namespaces/" + ns + "/serviceaccounts/" + account + "/token",
           json::serialize(json::object{{"spec", spec}}));
  return made.at("status").at("token").as_string().c_str();
}

void KubeServer::Grant(const std::string& ns,
                       const std::string& account,
                       const std::string& role,
                       const json::array& rules,
                       bool cluster_wide) {
  const std::string prefix = cluster_wide ? "Cluster" : "";
  const json::string api("rbac.authorization.k8s.io");
  json::object metadata{{"name", role}};
  if (!cluster_wide) {
    metadata["namespace"] = ns;
  }
  Apply({{"apiVersion", "rbac.authorization.k8s.io/v1"},
         {"kind", prefix + "Role"},
         {"metadata", metadata},
         {"rules", rules}});
  Apply({{"apiVersion", "rbac.authorization.k8s.io/v1"},
         {"kind", prefix + "RoleBinding"},
         {"metadata", metadata},
         {"roleRef", {{"apiGroup", api}, {"kind", prefix + "Role"}, {"name", role}}},
         {"subjects",
          json::array{
              json::object{{"kind", "ServiceAccount"}, {"name", account}, {"namespace", ns}}}}});
}

}  // namespace connector::testing_support
