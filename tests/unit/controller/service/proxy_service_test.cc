#include "controller/service/proxy_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace connector::controller::service {
namespace {

namespace json = boost::json;
using ::testing::Eq;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const Owner kOwner{{"default", "harbor"}, "uid-1"};

ProxyServiceSettings ExternalName() {
  ProxyServiceSettings settings;
  settings.dataplane_ns = "oci-connector";
  settings.dataplane_name = "dataplane";
  return settings;
}

ProxyServiceSettings WithEndpoints() {
  ProxyServiceSettings settings = ExternalName();
  settings.mode = Mode::kEndpoints;
  return settings;
}

// As the API gives back what was created.
json::object Observed(const ProxyServiceSettings& settings = ExternalName()) {
  json::object service = BuildService(kOwner, settings);
  json::object& metadata = service["metadata"].get_object();
  metadata["resourceVersion"] = "9";
  metadata["uid"] = "service-uid";
  service["spec"].get_object()["sessionAffinity"] = "None";
  return service;
}

TEST(ProxyService, LeadsToTheDataPlaneByName) {
  EXPECT_EQ(BuildService(kOwner, ExternalName()).at("spec"), json::parse(R"({"type":"ExternalName",
                            "externalName":"dataplane.oci-connector.svc.cluster.local",
                            "ports":[{"name":"http","protocol":"TCP","port":80,"targetPort":80}]})"));
}

TEST(ProxyService, HasNoSelectorAndNoNameWhereEndpointsAreCopied) {
  EXPECT_EQ(BuildService(kOwner, WithEndpoints()).at("spec"), json::parse(R"({"type":"ClusterIP",
                            "ports":[{"name":"http","protocol":"TCP","port":80,"targetPort":80}]})"));
}

TEST(ProxyService, HasTheHttpsPortThatIsConfigured) {
  ProxyServiceSettings settings = ExternalName();
  settings.https_port = 443;

  EXPECT_EQ(BuildService(kOwner, settings).at("spec").at("ports").at(1).at("name"), "https");
}

TEST(ProxyService, ListsNoHttpPortWhereDataPlanesServeNone) {
  ProxyServiceSettings settings = WithEndpoints();
  settings.http_port.reset();
  settings.https_port = 443;

  EXPECT_EQ(BuildService(kOwner, settings).at("spec").at("ports"),
            json::parse(R"([{"name":"https","protocol":"TCP","port":443,"targetPort":443}])"));
}

TEST(ProxyService, IsOwnedByItsConnector) {
  EXPECT_EQ(BuildService(kOwner, ExternalName()).at("metadata").at("ownerReferences"),
            json::parse(R"([{"apiVersion":"oci-connector.dev/v1alpha1","kind":"Connector",
                             "name":"harbor","uid":"uid-1","controller":true}])"));
}

TEST(ProxyService, HasTheAddressThatStandsInTheStatus) {
  ProxyServiceSettings settings = ExternalName();
  EXPECT_EQ(HostOf(kOwner.ref, settings), "c-harbor.default.svc.cluster.local");
  EXPECT_EQ(UrlOf(kOwner.ref, settings), "http://c-harbor.default.svc.cluster.local");

  settings.http_port = 8080;
  EXPECT_EQ(UrlOf(kOwner.ref, settings), "http://c-harbor.default.svc.cluster.local:8080");

  settings.https_port = 443;
  settings.https_url = true;
  EXPECT_EQ(UrlOf(kOwner.ref, settings), "https://c-harbor.default.svc.cluster.local");
}

TEST(ForeignProblem, IsNoneOfTheConnectorsOwn) {
  EXPECT_THAT(ForeignProblem(Observed(), kOwner), IsEmpty());
}

TEST(ForeignProblem, SaysThatNobodyIsNamed) {
  json::object service = Observed();
  service["metadata"].get_object().erase("ownerReferences");

  EXPECT_THAT(ForeignProblem(service, kOwner),
              HasSubstr("the Service default/c-harbor is there and belongs to nobody"));
}

TEST(ForeignProblem, SaysWhoseItIs) {
  json::object service = Observed();
  service["metadata"].get_object()["ownerReferences"] =
      json::parse(R"([{"kind":"HelmRelease","name":"shop","uid":"x"}])");

  EXPECT_THAT(ForeignProblem(service, kOwner),
              HasSubstr("belongs to the HelmRelease shop; delete"));
}

TEST(ForeignProblem, TellsAnEarlierConnectorOfTheNameFromThisOne) {
  EXPECT_THAT(ForeignProblem(Observed(), {kOwner.ref, "uid-2"}),
              HasSubstr("belongs to an earlier Connector of this name"));
}

TEST(ForeignProblem, IsNotFooledByOurLabels) {
  json::object service = Observed();
  service["metadata"].get_object()["ownerReferences"] = json::array();

  EXPECT_THAT(ForeignProblem(service, kOwner), ::testing::Not(IsEmpty()));
}

TEST(BuildServicePatch, IsNoneWhenAllIsRight) {
  EXPECT_EQ(BuildServicePatch(Observed(), kOwner, ExternalName()), std::nullopt);
  EXPECT_EQ(BuildServicePatch(Observed(WithEndpoints()), kOwner, WithEndpoints()), std::nullopt);
}

TEST(BuildServicePatch, LeavesWhatOthersAdd) {
  json::object service = Observed();
  service["metadata"].get_object()["annotations"] = json::object{{"a", "b"}};
  service["metadata"].get_object()["labels"].get_object()["team"] = "x";

  EXPECT_EQ(BuildServicePatch(service, kOwner, ExternalName()), std::nullopt);
}

TEST(BuildServicePatch, IsRefusedWhenSomebodyWroteMeanwhile) {
  json::object service = Observed();
  service["spec"].get_object()["externalName"] = "evil.example";

  const auto patch = BuildServicePatch(service, kOwner, ExternalName());

  EXPECT_EQ(patch->at("metadata"),
            (json::object{{"resourceVersion", "9"}, {"uid", "service-uid"}}));
}

json::object& Spec(json::object& service) {
  return service["spec"].get_object();
}
json::object& FirstPort(json::object& service) {
  return Spec(service)["ports"].get_array().at(0).get_object();
}
json::object& Metadata(json::object& service) {
  return service["metadata"].get_object();
}

struct Drift {
  const char* name;
  void (*make)(json::object& service);

  friend void PrintTo(const Drift& row, std::ostream* os) { *os << row.name; }
};

class CorrectionPutsRight : public ::testing::TestWithParam<Drift> {};

TEST_P(CorrectionPutsRight, WhatSomebodyChanged) {
  json::object service = Observed();
  GetParam().make(service);

  EXPECT_NE(BuildServicePatch(service, kOwner, ExternalName()), std::nullopt);
}

INSTANTIATE_TEST_SUITE_P(
    Of,
    CorrectionPutsRight,
    ::testing::Values(
        Drift{"TheType", [](json::object& service) { Spec(service)["type"] = "ClusterIP"; }},
        Drift{"TheName", [](json::object& service) { Spec(service)["externalName"] = "evil"; }},
        Drift{"APort", [](json::object& service) { FirstPort(service)["port"] = 81; }},
        Drift{"ATargetPort", [](json::object& service) { FirstPort(service)["targetPort"] = 81; }},
        Drift{"AProtocol", [](json::object& service) { FirstPort(service)["protocol"] = "UDP"; }},
        Drift{"ThePorts", [](json::object& service) { Spec(service)["ports"] = json::array(); }},
        Drift{"ASelector",
              [](json::object& service) {
                Spec(service)["selector"] = json::object{{"app", "evil"}};
              }},
        Drift{"OurLabel",
              [](json::object& service) {
                Metadata(service)["labels"].get_object()[kManagedByLabel] = "x";
              }},
        Drift{"TheConnectorsLabel",
              [](json::object& service) {
                Metadata(service)["labels"].get_object()[kConnectorLabel] = "x";
              }},
        Drift{"TheOwner",
              [](json::object& service) {
                json::array& owners = Metadata(service)["ownerReferences"].get_array();
                owners.at(0).get_object()["controller"] = false;
              }}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(BuildServicePatch, SwitchesFromANameToEndpoints) {
  const auto patch = BuildServicePatch(Observed(), kOwner, WithEndpoints());

  EXPECT_EQ(patch->at("spec").at("type"), "ClusterIP");
  EXPECT_TRUE(patch->at("spec").at("externalName").is_null());
}

TEST(BuildServicePatch, SwitchesFromEndpointsToAName) {
  const auto patch = BuildServicePatch(Observed(WithEndpoints()), kOwner, ExternalName());

  EXPECT_EQ(patch->at("spec").at("externalName"), "dataplane.oci-connector.svc.cluster.local");
}

}  // namespace
}  // namespace connector::controller::service
