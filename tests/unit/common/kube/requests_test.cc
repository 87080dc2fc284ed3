#include "common/kube/requests.h"

#include "tests/support/cpp/result_matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace connector::kube {
namespace {

using testing_support::HasError;

TEST(ObjectCall, NamesTheObjectsPath) {
  EXPECT_EQ(ObjectCall("get", kSecrets, {"a", "b"})->path, "/api/v1/namespaces/a/secrets/b");
  EXPECT_EQ(ObjectCall("get", kConnectorClasses, {"", "oci"})->path,
            "/apis/oci-connector.dev/v1alpha1/connectorclasses/oci");
  const auto status = ObjectCall("apply", kConnectors, {"a", "b"}, "status");
  EXPECT_EQ(status->path, "/apis/oci-connector.dev/v1alpha1/namespaces/a/connectors/b/status");
  EXPECT_EQ(status->resource, "connectors/status");
  EXPECT_EQ(status->what, "apply connectors a/b");
}

TEST(ObjectCall, LeavesNoNameToChangeThePath) {
  EXPECT_EQ(ObjectCall("get", kSecrets, {"a", "../b?c"})->path,
            "/api/v1/namespaces/a/secrets/..%2Fb%3Fc");
  EXPECT_THAT(ObjectCall("get", kSecrets, {"a", ".."}), HasError(ErrorCode::kInvalidArgument));
  EXPECT_THAT(ObjectCall("get", kSecrets, {"..", "b"}), HasError(ErrorCode::kInvalidArgument));
  EXPECT_THAT(ObjectCall("get", kSecrets, {"a", ""}), HasError(ErrorCode::kInvalidArgument));
  EXPECT_THAT(ObjectCall("get", kSecrets, {"", "b"}), HasError(ErrorCode::kInvalidArgument));
  EXPECT_THAT(ObjectCall("get", kConnectorClasses, {"a", "b"}),
              HasError(ErrorCode::kInvalidArgument));
}

TEST(SelectorCall, EncodesSelectors) {
  const auto call = SelectorCall("list", kSecrets, {"a", "app=x,tier!=y", "metadata.name=b&c"});

  EXPECT_EQ(call->path, "/api/v1/namespaces/a/secrets");
  EXPECT_EQ(call->query, "labelSelector=app%3Dx%2Ctier%21%3Dy&fieldSelector=metadata.name%3Db%26c");
}

TEST(SelectorCall, AsksForAllNamespaces) {
  EXPECT_EQ(SelectorCall("list", kConnectors, {})->path,
            "/apis/oci-connector.dev/v1alpha1/connectors");
}

TEST(BodyOf, FillsTheTypeIn) {
  EXPECT_EQ(BodyOf(kSecrets, {{"data", nullptr}}).Reveal(),
            R"({"data":null,"apiVersion":"v1","kind":"Secret"})");
}

}  // namespace
}  // namespace connector::kube
