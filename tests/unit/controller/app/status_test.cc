#include "controller/app/status.h"

#include <gtest/gtest.h>

namespace connector::controller::app {
namespace {

kube::ObjectPtr StatusConnector(const std::string& status) {
  return *kube::Object::Parse(
      R"({"metadata":{"name":"harbor","namespace":"default","resourceVersion":"1"},)"
      R"("spec":{"address":"https://r.example"},"status":)" +
      status + "}");
}

TEST(RowOf, ShowsAConnectorThatIsReady) {
  const admin::ConnectorStatus row = RowOf(*StatusConnector(
      R"({"secretClass":"derived","conditions":[{"type":"Ready","status":"True","reason":"Ready"}]})"));

  EXPECT_EQ(row.name, "default/harbor");
  EXPECT_EQ(row.address, "https://r.example");
  EXPECT_EQ(row.secret_class, "derived");
  EXPECT_EQ(row.health, "ok");
  EXPECT_EQ(row.problem, "");
}

TEST(RowOf, SaysWhyAConnectorIsNotReady) {
  const admin::ConnectorStatus row = RowOf(*StatusConnector(
      R"({"conditions":[{"type":"Ready","status":"False","reason":"SecretNotFound","message":"add it"}]})"));

  EXPECT_EQ(row.health, "failing");
  EXPECT_EQ(row.problem, "SecretNotFound: add it");
}

TEST(RowOf, KnowsNothingOfAConnectorWithoutConditions) {
  EXPECT_EQ(RowOf(*StatusConnector("{}")).health, "unknown");
}

}  // namespace
}  // namespace connector::controller::app
