#pragma once

// A namespace with an account of the broker in it, and the broker's store.

#include "common/base/encoding.h"
#include "tests/support/cpp/ca_pem.h"
#include "tests/support/cpp/kube_store_world.h"
#include "tests/support/cpp/result_matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace connector::broker::secrets {

using testing_support::KubeServer;
using testing_support::KubeStoreWorld;
using testing_support::PutSecret;
using testing_support::RemoveSecret;
using testing_support::SecretFields;
using testing_support::SecretRules;

inline constexpr const char* kRegistry = "harbor.example.com";

class KubeSecretsTest : public ::testing::Test {
 protected:
  KubeSecretsTest() {
    server().NewServiceAccount(ns_, "broker");
    token_ = server().Token(ns_, "broker", {});
  }

  static KubeServer& server() { return KubeServer::Shared(); }

  void Grant(const std::vector<std::string>& verbs = {"get", "watch"}) {
    server().Grant(ns_, "broker", "registry-secrets", SecretRules({"robot", "bundle"}, verbs));
  }
  void TakeAway() {
    server().Must(
        "DELETE",
        "/apis/rbac.authorization.k8s.io/v1/namespaces/" + ns_ + "/rolebindings/registry-secrets");
  }

  KubeStoreWorld& world() {
    if (!world_) {
      world_.emplace(token_);
    }
    return *world_;
  }
  void FollowRobot(const std::string& registry = kRegistry) {
    world().store().FollowNeeds({{robot_, {{registry}}, false}});
  }

  // What is known of the credential, as one text: its version's first digits, or why it is none.
  std::string State(const std::string& registry = kRegistry) {
    const KubeObservation seen = world().Observed(robot_);
    const auto lack = seen.content.lacks.find({registry});
    return !seen.known                        ? "unknown"
           : !seen.content.problem.empty()    ? seen.content.problem
           : lack != seen.content.lacks.end() ? lack->second
                                              : "good " + seen.content.version;
  }
  [[nodiscard]] bool EventuallyState(const ::testing::Matcher<std::string>& matches) {
    return KubeStoreWorld::Eventually([&] { return matches.Matches(State()); });
  }
  std::string GoodState(const SecretFields& fields) {
    std::map<std::string, Secret> data;
    for (const auto& [key, value] : fields) {
      data.emplace(key, Secret(value));
    }
    return "good " + VersionDigest("0123456789abcdef0123456789abcdef").Of("Opaque", data);
  }

  const std::string ns_ = server().NewNamespace("secrets");
  const SecretRef robot_{ns_, "robot"};
  const SecretRef bundle_{ns_, "bundle"};
  const SecretFields one_{{"username", "u"}, {"password", "one"}};
  const SecretFields two_{{"username", "u"}, {"password", "two"}};
  std::string token_;
  std::optional<KubeStoreWorld> world_;
};

}  // namespace connector::broker::secrets
