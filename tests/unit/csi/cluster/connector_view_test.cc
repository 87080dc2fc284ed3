#include "csi/cluster/connector_view.h"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace connector::csi::cluster {
namespace {

using ::testing::AllOf;
using ::testing::Field;
using ::testing::HasSubstr;

ConnectorView Read(std::string_view json) {
  return ReadConnectorView(
      boost::json::parse(boost::json::string_view(json.data(), json.size())).as_object());
}

TEST(ReadConnectorView, TakesWhatAMountNeeds) {
  EXPECT_EQ(
      Read(R"({"spec":{"connectorClassName":"team","address":"https://harbor.example.com:8443",
                             "requireConnectorAudience":true},
                     "status":{"address":{"host":"c-harbor.ci.svc.cluster.local",
                                          "url":"https://c-harbor.ci.svc.cluster.local",
                                          "caCerts":"PEM"},
                               "conditions":[{"type":"AuthReady","status":"True"},
                                             {"type":"Ready","status":"True"}]}})"),
      (ConnectorView{.class_name = "team",
                     .host = "c-harbor.ci.svc.cluster.local",
                     .tls = true,
                     .ca_certs = "PEM",
                     .upstream_host = "harbor.example.com:8443",
                     .requires_own_audience = true,
                     .ready = true,
                     .problem = ""}));
}

TEST(ReadConnectorView, TakesThePortOfTheDataPlaneFromTheUrl) {
  EXPECT_THAT(
      Read(R"({"status":{"address":{"host":"c-a.ci.svc","url":"http://c-a.ci.svc:8080"}}})"),
      Field(&ConnectorView::host, "c-a.ci.svc:8080"));
  EXPECT_THAT(
      Read(R"({"status":{"address":{"host":"c-a.ci.svc","url":"https://c-a.ci.svc:443"}}})"),
      Field(&ConnectorView::host, "c-a.ci.svc"));
}

TEST(ReadConnectorView, KnowsDockerHubByTheNameThatImagesUse) {
  EXPECT_THAT(Read(R"({"spec":{"address":"https://registry-1.docker.io"}})"),
              AllOf(Field(&ConnectorView::upstream_host, "docker.io"),
                    Field(&ConnectorView::class_name, "oci")));
}

TEST(ReadConnectorView, SaysWhichConditionFailsRatherThanThatReadyDoes) {
  const ConnectorView view = Read(
      R"({"spec":{},"status":{"conditions":[
            {"type":"Ready","status":"False","reason":"SecretReady","message":"see SecretReady"},
            {"type":"ClassReady","status":"True"},
            {"type":"SecretReady","status":"False","reason":"SecretNotFound","message":"no Secret\u0007 x"}]}})");

  EXPECT_FALSE(view.ready);
  EXPECT_EQ(view.problem, "SecretReady is False (SecretNotFound): no Secret? x");
}

TEST(ReadConnectorView, IsNotReadyAsLongAsNobodySaidSo) {
  for (const char* json : {R"({})",
                           R"({"status":{}})",
                           R"({"status":{"conditions":[]}})",
                           R"({"status":{"conditions":"Ready"}})",
                           R"({"status":{"conditions":[5,null]}})"}) {
    EXPECT_THAT(Read(json),
                AllOf(Field(&ConnectorView::ready, false),
                      Field(&ConnectorView::problem, HasSubstr("has not looked at it yet"))))
        << json;
  }
}

TEST(ReadConnectorView, CutsALongMessage) {
  const std::string json =
      R"({"status":{"conditions":[{"type":"Ready","status":"Unknown","message":")" +
      std::string(5000, 'x') + R"("}]}})";

  EXPECT_EQ(Read(json).problem.size(), 400U);
}

}  // namespace
}  // namespace connector::csi::cluster
