#include "broker/connectors/kubernetes/cluster_resources.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace connector::broker::connectors {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const kube::ObjectName kTeamHarbor{"team-a", "harbor"};
const kube::ObjectName kQuay{"team-a", "quay"};

class ClusterResourcesTest : public ::testing::Test {
 protected:
  static kube::ObjectPtr Object(const kube::ObjectName& name, const std::string& spec) {
    const std::string ns = name.ns.empty() ? "" : R"("namespace":")" + name.ns + "\",";
    const auto parsed = kube::Object::Parse(R"({"metadata":{)" + ns + R"("name":")" + name.name +
                                            R"(","resourceVersion":"1"},"spec":)" + spec + "}");
    return parsed ? *parsed : nullptr;
  }
  static std::string Spec(const std::string& address, const std::string& more = "") {
    return R"({"address":")" + address + R"(","auth":{"name":"tokenAuth","secretRef":{"name":)" +
           R"("robot"}})" + more + "}";
  }

  ClusterResourcesTest() { resources_.TakeClasses(classes_); }

  void Put(const kube::ObjectName& name, const std::string& spec) {
    connectors_.objects[name] = Object(name, spec);
    resources_.TakeConnectors(connectors_, {name});
  }
  void Remove(const kube::ObjectName& name) {
    connectors_.objects.erase(name);
    resources_.TakeConnectors(connectors_, {name});
  }
  void PutClass(const std::string& name, const std::string& spec) {
    classes_.objects[{"", name}] = Object({"", name}, spec);
    resources_.TakeClasses(classes_);
  }
  void RemoveClass(const std::string& name) {
    classes_.objects.erase({"", name});
    resources_.TakeClasses(classes_);
  }

  [[nodiscard]] std::shared_ptr<const resource::Connector> Held(
      const kube::ObjectName& name) const {
    const auto found = resources_.effective()->connectors.find({name.ns, name.name});
    return found == resources_.effective()->connectors.end() ? nullptr : found->second.connector;
  }
  // Its address; "-" when it is not in force.
  [[nodiscard]] std::string AddressOf(const kube::ObjectName& name) const {
    const auto held = Held(name);
    return held == nullptr ? "-" : held->address.ToString();
  }
  [[nodiscard]] std::string Problems() const { return config::Format(resources_.Problems()); }

  kube::Store connectors_;
  kube::Store classes_;
  ClusterResources resources_;
};

TEST_F(ClusterResourcesTest, TakesWhatIsGoodAndForgetsWhatIsGone) {
  Put(kTeamHarbor, Spec("https://one.example"));
  EXPECT_EQ(AddressOf(kTeamHarbor), "https://one.example");
  Put(kTeamHarbor, Spec("https://two.example"));
  EXPECT_EQ(AddressOf(kTeamHarbor), "https://two.example");
  Remove(kTeamHarbor);
  EXPECT_EQ(AddressOf(kTeamHarbor), "-");
}

TEST_F(ClusterResourcesTest, KeepsTheLastGoodVersionOfABrokenConnector) {
  Put(kTeamHarbor, Spec("https://one.example"));
  Put(kTeamHarbor, Spec("http://one.example"));
  EXPECT_EQ(AddressOf(kTeamHarbor), "https://one.example");
  EXPECT_THAT(Problems(), HasSubstr("Connector team-a/harbor: spec.address"));

  Remove(kTeamHarbor);
  EXPECT_EQ(AddressOf(kTeamHarbor), "-") << "what is gone is gone";
  EXPECT_EQ(Problems(), "");
}

TEST_F(ClusterResourcesTest, DisturbsNoOtherByABrokenOne) {
  Put(kTeamHarbor, Spec("https://one.example"));
  const auto before = Held(kTeamHarbor);

  Put(kQuay, Spec("nonsense"));

  EXPECT_EQ(Held(kTeamHarbor), before) << "and does not even read it again";
  EXPECT_EQ(AddressOf(kQuay), "-");
}

TEST_F(ClusterResourcesTest, AppliesTheClass) {
  PutClass("strict", R"({"upstream":{"limits":{"maxConcurrentRequests":7}}})");
  Put(kTeamHarbor, Spec("https://one.example", R"(,"connectorClassName":"strict")"));
  EXPECT_EQ(Held(kTeamHarbor)->upstream.limits.max_concurrent_requests, 7U);

  PutClass("strict", R"({"upstream":{"limits":{"maxConcurrentRequests":8}}})");
  EXPECT_EQ(Held(kTeamHarbor)->upstream.limits.max_concurrent_requests, 8U);
}

TEST_F(ClusterResourcesTest, KeepsAConnectorWhoseClassIsGone) {
  PutClass("strict", R"({"upstream":{"limits":{"maxConcurrentRequests":7}}})");
  Put(kTeamHarbor, Spec("https://one.example", R"(,"connectorClassName":"strict")"));

  RemoveClass("strict");

  EXPECT_EQ(AddressOf(kTeamHarbor), "https://one.example");
  EXPECT_THAT(Problems(), HasSubstr("there is no ConnectorClass strict"));
}

TEST_F(ClusterResourcesTest, TakesNoConnectorForGoodBeforeItsClassIsKnown) {
  resources_ = ClusterResources();
  Put(kTeamHarbor, Spec("https://one.example"));
  EXPECT_EQ(AddressOf(kTeamHarbor), "-");

  PutClass("oci", R"({"nonsense":true})");
  EXPECT_EQ(AddressOf(kTeamHarbor), "-") << "what is built in is not its class";
  PutClass("oci", "{}");
  EXPECT_EQ(AddressOf(kTeamHarbor), "https://one.example");
}

TEST_F(ClusterResourcesTest, NarrowsTheLastGoodVersionByTheClassOfToday) {
  PutClass("oci", "{}");
  Put(kTeamHarbor, Spec("https://one.example"));
  Put(kTeamHarbor, Spec("http://one.example"));

  PutClass("oci", R"({"requireConnectorAudience":true,"upstreamPolicy":{"unlisted":"none"}})");

  EXPECT_EQ(AddressOf(kTeamHarbor), "https://one.example");
  EXPECT_TRUE(Held(kTeamHarbor)->require_connector_audience);
  ASSERT_NE(Held(kTeamHarbor)->class_policy.value, nullptr) << "its author has broken it for that";
  EXPECT_EQ(*Held(kTeamHarbor)->class_policy.value, routing::ClassPolicy{});
}

TEST_F(ClusterResourcesTest, WaitsForTheClassOfAConnector) {
  Put(kTeamHarbor, Spec("https://one.example", R"(,"connectorClassName":"strict")"));
  EXPECT_EQ(AddressOf(kTeamHarbor), "-");

  PutClass("strict", "{}");

  EXPECT_EQ(AddressOf(kTeamHarbor), "https://one.example");
  EXPECT_EQ(Problems(), "");
}

TEST_F(ClusterResourcesTest, RefusesWhatTheClassDoesNotAllow) {
  PutClass("oci", R"({"allowedAuthNames":["anonymous"]})");
  Put(kTeamHarbor, Spec("https://one.example"));

  EXPECT_EQ(AddressOf(kTeamHarbor), "-");
  EXPECT_THAT(Problems(), HasSubstr("not allowed by the ConnectorClass oci"));
}

TEST_F(ClusterResourcesTest, SaysWhatIsWrongWithAClass) {
  PutClass("strict", R"({"nonsense":true})");

  EXPECT_THAT(Problems(), HasSubstr("ConnectorClass strict"));
}

TEST_F(ClusterResourcesTest, LooksForNoSecrets) {
  Put(kTeamHarbor, Spec("https://one.example", R"(,"caCertSecretRef":{"name":"bundle"})"));

  EXPECT_EQ(AddressOf(kTeamHarbor), "https://one.example");
  EXPECT_THAT(resources_.Problems(), IsEmpty());
}

TEST_F(ClusterResourcesTest, LetsAConnectorNameNoSecretOfAnotherNamespace) {
  for (const char* name : {"team-b/robot", "../team-b/robot", "team-b%2frobot", ".."}) {
    Put(kTeamHarbor,
        R"({"address":"https://one.example","auth":{"name":"tokenAuth","secretRef":{"name":")" +
            std::string(name) + "\"}}}");
    EXPECT_EQ(AddressOf(kTeamHarbor), "-") << name;
  }
  Put(kTeamHarbor,
      R"({"address":"https://one.example","auth":{"name":"tokenAuth","secretRef":{"name":"robot",)"
      R"("namespace":"team-b"}}})");
  EXPECT_EQ(AddressOf(kTeamHarbor), "-");
  EXPECT_THAT(Problems(), HasSubstr("namespace"));
}

}  // namespace
}  // namespace connector::broker::connectors
