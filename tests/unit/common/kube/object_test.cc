#include "common/kube/object.h"

#include "tests/support/cpp/result_matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace connector::kube {
namespace {

using testing_support::HasError;

TEST(Object, HasWhatItsMetadataSays) {
  const auto object = Object::Parse(
      R"({"kind":"X","metadata":{"name":"n","namespace":"a","uid":"u","resourceVersion":"5",
          "generation":3,"managedFields":[{"manager":"m"}]},"unknown":true})");

  ASSERT_TRUE(object) << object.error().message;
  EXPECT_EQ((*object)->name(), (ObjectName{"a", "n"}));
  EXPECT_EQ((*object)->uid(), "u");
  EXPECT_EQ((*object)->resource_version(), "5");
  EXPECT_EQ((*object)->generation(), 3);
  EXPECT_TRUE((*object)->json().at("unknown").as_bool());
  EXPECT_FALSE((*object)->json().at("metadata").as_object().contains("managedFields"));
}

class ObjectRefuses : public ::testing::TestWithParam<std::string> {};

TEST_P(ObjectRefuses, WhatIsNotTheApis) {
  EXPECT_THAT(Object::Parse(GetParam()), HasError(ErrorCode::kUnavailable));
}

INSTANTIATE_TEST_SUITE_P(Wrong,
                         ObjectRefuses,
                         ::testing::Values("",
                                           "[]",
                                           "{}",
                                           R"({"metadata":1})",
                                           R"({"metadata":{"name":"n"}})",
                                           R"({"metadata":{"resourceVersion":"5"}})",
                                           R"({"metadata":{"name":5,"resourceVersion":"5"}})"));

TEST(ResourceType, WritesItsApiVersion) {
  EXPECT_EQ(kSecrets.ApiVersion(), "v1");
  EXPECT_EQ(kConnectors.ApiVersion(), "oci-connector.dev/v1alpha1");
}

}  // namespace
}  // namespace connector::kube
