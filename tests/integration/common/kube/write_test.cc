#include "tests/integration/common/kube/kube_world.h"
#include "tests/support/cpp/result_matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace connector::kube {
namespace {

using ::testing::HasSubstr;
using testing_support::HasError;
using testing_support::HasErrorMessage;

boost::json::object Data(const std::string& value) {
  return {{"data", {{"key", value}}}};
}

TEST(KubeClient, RefusesToCreateWhatIsThere) {
  KubeWorld world;
  world.Make("one");

  EXPECT_THAT(world.Run(world.client().Create(
                  kConfigMaps, world.ns(), KubeWorld::Map("one", "2"), SoonEnough())),
              HasErrorMessage(ErrorCode::kConflict, HasSubstr("already exists")));
}

TEST(KubeClient, UpdatesOnlyTheLastVersion) {
  KubeWorld world;
  boost::json::object old = world.Make("one", "1")->json();
  boost::json::object last = world.Change("one", "2")->json();
  last["data"] = {{"key", "3"}};

  const auto updated =
      world.Run(world.client().Update(kConfigMaps, {world.ns(), "one"}, last, SoonEnough()));

  ASSERT_TRUE(updated) << updated.error().message;
  EXPECT_EQ(ValueOf(**updated), "3");
  EXPECT_THAT(world.Run(world.client().Update(kConfigMaps, {world.ns(), "one"}, old, SoonEnough())),
              HasError(ErrorCode::kConflict));
}

TEST(KubeClient, PatchesOnlyTheVersionThatItNames) {
  KubeWorld world;
  const ObjectPtr old = world.Make("one", "1");
  world.Change("one", "2");
  boost::json::object body = Data("3");
  body["metadata"] = {{"resourceVersion", old->resource_version()}};

  EXPECT_THAT(world.Run(world.client().MergePatch(
                  kConfigMaps, {world.ns(), "one"}, "", body, SoonEnough())),
              HasError(ErrorCode::kConflict));
}

TEST(KubeClient, GivesTheServersSentenceForWhatIsNotValid) {
  KubeWorld world;

  EXPECT_THAT(world.Run(world.client().Create(
                  kConfigMaps, world.ns(), KubeWorld::Map("Not A Name", "1"), SoonEnough())),
              HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("metadata.name")));
}

TEST(KubeClient, DeletesOnlyTheObjectThatItKnows) {
  KubeWorld world;
  const ObjectPtr made = world.Make("one");
  const ObjectName name{world.ns(), "one"};

  EXPECT_THAT(
      world.Run(world.client().Delete(kConfigMaps, name, {"another-uid", ""}, SoonEnough())),
      HasError(ErrorCode::kConflict));
  EXPECT_THAT(world.Run(world.client().Delete(kConfigMaps, name, {"", "1"}, SoonEnough())),
              HasError(ErrorCode::kConflict));
  EXPECT_TRUE(world.Run(world.client().Delete(
      kConfigMaps, name, {made->uid(), made->resource_version()}, SoonEnough())));
  EXPECT_THAT(world.Run(world.client().Delete(kConfigMaps, name, {}, SoonEnough())),
              HasError(ErrorCode::kNotFound));
}

TEST(KubeClient, ReviewsATokenForOurAudience) {
  KubeWorld world;
  KubeWorld::server().NewServiceAccount(world.ns(), "builder");
  const std::string token =
      KubeWorld::server().Token(world.ns(), "builder", {.audience = "oci-connector"});

  const auto review = world.Run(world.client().Review(
      kTokenReviews,
      {{"spec", {{"token", token}, {"audiences", boost::json::array{"oci-connector"}}}}},
      SoonEnough()));

  ASSERT_TRUE(review) << review.error().message;
  EXPECT_TRUE(review->at("status").at("authenticated").as_bool());
  EXPECT_EQ(review->at("status").at("user").at("username").as_string(),
            "system:serviceaccount:" + world.ns() + ":builder");
}

}  // namespace
}  // namespace connector::kube
