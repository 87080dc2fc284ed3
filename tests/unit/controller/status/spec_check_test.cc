#include "controller/status/spec_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace connector::controller::status {
namespace {

using ::testing::HasSubstr;

boost::json::object Connector(const std::string& spec) {
  return boost::json::parse(R"({"apiVersion":"oci-connector.dev/v1alpha1","kind":"Connector",)"
                            R"("metadata":{"name":"harbor","namespace":"default"},"spec":)" +
                            spec + "}")
      .as_object();
}

kube::ObjectPtr Class(const std::string& name, const std::string& spec) {
  auto parsed =
      kube::Object::Parse(R"({"apiVersion":"oci-connector.dev/v1alpha1","kind":"ConnectorClass",)"
                          R"("metadata":{"resourceVersion":"1","name":")" +
                          name + R"("},"spec":)" + spec + "}");
  return *parsed;
}

constexpr const char* kSound =
    R"({"address":"https://r.example","auth":{"name":"tokenAuth","secretRef":{"name":"robot"}}})";

TEST(CheckSpec, FindsASoundConnector) {
  const SpecCheck found = CheckSpec(Connector(kSound), {Class("oci", "{}")});

  EXPECT_EQ(found.class_ready.reason, "ClassFound");
  EXPECT_EQ(found.class_ready.status, ConditionStatus::kTrue);
  EXPECT_EQ(found.secret_class, "derived");
  EXPECT_TRUE(found.needs_secret);
  EXPECT_TRUE(found.sound);
}

TEST(CheckSpec, NeedsNoSecretWhereNoneIsNamed) {
  const SpecCheck found =
      CheckSpec(Connector(R"({"address":"https://r.example","auth":{"name":"anonymous"}})"), {});

  EXPECT_FALSE(found.needs_secret);
  EXPECT_EQ(found.secret_class, "none");
}

TEST(CheckSpec, DoesNotLookForTheSecretItself) {
  EXPECT_TRUE(CheckSpec(Connector(kSound), {}).sound);
}

TEST(CheckSpec, NamesAClassThatIsNotThere) {
  const SpecCheck found = CheckSpec(
      Connector(
          R"({"connectorClassName":"gold","address":"https://r.example","auth":{"name":"anonymous"}})"),
      {Class("oci", "{}")});

  EXPECT_EQ(found.class_ready.status, ConditionStatus::kFalse);
  EXPECT_EQ(found.class_ready.reason, "ClassNotFound");
  EXPECT_THAT(found.class_ready.message, HasSubstr("there is no ConnectorClass gold"));
  EXPECT_FALSE(found.sound);
}

TEST(CheckSpec, NamesAClassThatIsBroken) {
  const SpecCheck found = CheckSpec(
      Connector(
          R"({"connectorClassName":"gold","address":"https://r.example","auth":{"name":"anonymous"}})"),
      {Class("gold", R"({"upstream":{"limits":{"connectTimeout":"never"}}})")});

  EXPECT_EQ(found.class_ready.reason, "ClassInvalid");
}

TEST(CheckSpec, NamesTheAuthsThatAClassAllows) {
  const SpecCheck found =
      CheckSpec(Connector(kSound), {Class("oci", R"({"allowedAuthNames":["anonymous"]})")});

  EXPECT_EQ(found.class_ready.reason, "AuthNotAllowed");
  EXPECT_THAT(found.class_ready.message, HasSubstr("write one of: anonymous"));
  EXPECT_FALSE(found.sound);
}

TEST(CheckSpec, SaysWhereAClassDoesNotLead) {
  const auto reason = [](const std::string& rest) {
    return CheckSpec(
               Connector(R"({"address":"https://r.example","auth":{"name":"anonymous"})" + rest),
               {Class("oci",
                      R"({"upstreamPolicy":{"rules":[{"namespaces":["*"],)"
                      R"("hosts":["r.example"]}]}})")})
        .class_ready.reason;
  };
  EXPECT_EQ(reason("}"), "ClassFound");
  EXPECT_EQ(reason(R"(,"upstream":{"tokenRealm":"https://s.example/t"}})"), "UpstreamNotAllowed");
  const SpecCheck found =
      CheckSpec(Connector(kSound), {Class("oci", R"({"upstreamPolicy":{"unlisted":"none"}})")});
  EXPECT_EQ(found.class_ready.reason, "UpstreamNotAllowed");
  EXPECT_THAT(found.class_ready.message, HasSubstr("spec.address: the platform does not let"));
  EXPECT_FALSE(found.sound);
}

TEST(CheckSpec, SaysAllThatValidateSays) {
  const SpecCheck found =
      CheckSpec(Connector(R"({"address":"http://r.example","auth":{"name":"tokenAuth"}})"), {});

  EXPECT_EQ(found.class_ready.reason, "SpecInvalid");
  EXPECT_THAT(found.class_ready.message, HasSubstr("spec.address: "));
  EXPECT_THAT(found.class_ready.message, HasSubstr("; "));
  EXPECT_FALSE(found.sound);
}

}  // namespace
}  // namespace connector::controller::status
