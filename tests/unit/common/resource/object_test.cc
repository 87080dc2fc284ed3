#include "common/resource/documents.h"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace connector::resource {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

FileDocuments ObjectParse(Kind kind, std::string_view json) {
  return ParseObject(kind, boost::json::parse({json.data(), json.size()}).as_object());
}

std::string ObjectProblems(Kind kind, std::string_view json) {
  return config::Format(ObjectParse(kind, json).problems);
}

// As a real API server answers, with what it adds by itself.
constexpr std::string_view kConnector = R"({
  "apiVersion": "oci-connector.dev/v1alpha1", "kind": "Connector",
  "metadata": {"name": "harbor", "namespace": "team-a", "uid": "u", "resourceVersion": "7",
    "generation": 2, "creationTimestamp": "2026-01-01T00:00:00Z", "deletionGracePeriodSeconds": 0,
    "managedFields": [{"manager": "kubectl", "fieldsV1": {"f:spec": {}}}], "of-the-future": 1},
  "spec": {"connectorClassName": "oci", "address": "https://r.example:5000",
    "auth": {"name": "tokenAuth", "allowStatic": true, "vaultRef": {"path": "a/b", "version": 3},
      "secretRef": null},
    "upstream": {"limits": {"maxConcurrentRequests": 5, "idleTimeout": "1m30s"}},
    "access": [{"from": [{"namespace": "team-b"}], "repositories": ["**"], "actions": ["pull"]}]},
  "status": {"conditions": []}})";

TEST(ParseObject, ReadsWhatAFileSaysInTheSameWords) {
  const FileDocuments object = ObjectParse(Kind::kConnector, kConnector);
  const FileDocuments file = ParseDocuments(R"(
apiVersion: oci-connector.dev/v1alpha1
kind: Connector
metadata: {name: harbor, namespace: team-a}
spec:
  connectorClassName: oci
  address: https://r.example:5000
  auth: {name: tokenAuth, allowStatic: true, vaultRef: {path: a/b, version: 3}}
  upstream: {limits: {maxConcurrentRequests: 5, idleTimeout: 1m30s}}
  access: [{from: [{namespace: team-b}], repositories: ["**"], actions: [pull]}]
)",
                                            "f");
  ASSERT_EQ(config::Format(object.problems), "");
  ASSERT_THAT(object.connectors, SizeIs(1));
  const ConnectorClass plain{"oci", {}, {}};
  EXPECT_EQ(ApplyClass(object.connectors[0].draft, plain),
            ApplyClass(file.connectors.at(0).draft, plain));
  EXPECT_EQ(object.file, "Connector team-a/harbor");
}

TEST(ParseObject, ReadsAClassThatSaysNoKindAsItemsOfAListMay) {
  const FileDocuments object = ObjectParse(
      Kind::kConnectorClass,
      R"({"metadata": {"name": "slow"}, "spec": {"allowedAuthNames": ["tokenAuth", "anonymous"]}})");
  ASSERT_EQ(config::Format(object.problems), "");
  EXPECT_EQ(object.file, "ConnectorClass slow");
  EXPECT_THAT(object.classes.at(0).connector_class.allowed_auth,
              ElementsAre(AuthKind::kTokenAuth, AuthKind::kAnonymous));
}

TEST(ParseObject, ReadsASecretThatCarriesFieldsUnknownHere) {
  const FileDocuments object = ObjectParse(
      Kind::kSecret,
      R"({"metadata": {"name": "s", "namespace": "a", "labels": {"x": "y"}}, "type": "Opaque",
          "data": {"username": "dQ==", "password": "", "123": "eA=="}, "of-the-future": {}})");
  ASSERT_EQ(config::Format(object.problems), "");
  const SecretResource& secret = *object.secrets.at(0).secret;
  EXPECT_EQ(secret.name.ToString(), "a/s");
  EXPECT_EQ(secret.type, "Opaque");
  EXPECT_THAT(secret.data, SizeIs(3));
  EXPECT_EQ(secret.data.at("username").Reveal(), "u");
}

TEST(ParseObject, ReadsASecretWithoutData) {
  EXPECT_THAT(ObjectParse(Kind::kSecret, R"({"metadata": {"name": "s"}, "data": null})")
                  .secrets.at(0)
                  .secret->data,
              IsEmpty());
}

TEST(ParseObject, NamesTheObjectInsteadOfAFileAndLine) {
  EXPECT_EQ(ObjectProblems(Kind::kConnector, R"({"metadata": {"name": "h", "namespace": "a"},
      "spec": {"address": "http://r.example", "auth": {"name": "anonymous"}}})"),
            "Connector a/h: spec.address: is plain http; write https, or set "
            "spec.upstream.allowInsecureUpstream: true if credentials may travel unprotected");
}

TEST(ParseObject, RefusesAFieldOfSpecThatThisReleaseDoesNotKnow) {
  const FileDocuments object = ObjectParse(Kind::kConnector, R"({
      "metadata": {"name": "h", "namespace": "a"},
      "spec": {"address": "https://r.example", "auth": {"name": "anonymous"}, "denyAll": true}})");
  EXPECT_EQ(config::Format(object.problems),
            "Connector a/h: spec.denyAll: unknown key; known here: connectorClassName, address, "
            "auth, caCertSecretRef, upstream, access, requireConnectorAudience");
  EXPECT_THAT(object.connectors, IsEmpty());
  EXPECT_THAT(object.broken, ElementsAre(ResourceId{Kind::kConnector, "a", "h"}));
}

TEST(ParseObject, KeepsTextAndNumbersApart) {
  EXPECT_EQ(ObjectProblems(Kind::kConnector, R"({"metadata": {"name": "h", "namespace": "a"},
      "spec": {"address": 5, "auth": {"name": "anonymous"},
        "upstream": {"limits": {"maxConcurrentRequests": "5"}, "allowInsecureUpstream": "true"}}})"),
            "Connector a/h: spec.address: is a number, a boolean or nothing to YAML; put it in "
            "quotes\n"
            "Connector a/h: spec.upstream.limits.maxConcurrentRequests: is text; remove the "
            "quotes\n"
            "Connector a/h: spec.upstream.allowInsecureUpstream: is text; remove the quotes");
}

TEST(ParseObject, SaysThatItCannotTellWhoItIs) {
  for (const std::string_view json : {R"({})", R"({"metadata": []})", R"({"metadata": {}})"}) {
    const FileDocuments object = ObjectParse(Kind::kConnector, json);
    EXPECT_TRUE(object.unreadable) << json;
    EXPECT_THAT(object.connectors, IsEmpty());
  }
}

}  // namespace
}  // namespace connector::resource
