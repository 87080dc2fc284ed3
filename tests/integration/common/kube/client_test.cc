#include "tests/integration/common/kube/kube_world.h"
#include "tests/support/cpp/result_matchers.h"
#include "tests/support/cpp/tcp_gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace connector::kube {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing_support::HasError;
using testing_support::HasErrorMessage;

TEST(KubeClient, GetsWhatItCreated) {
  KubeWorld world;
  const ObjectPtr made = world.Make("one", "first");

  const auto got = world.Run(world.client().Get(kConfigMaps, {world.ns(), "one"}, SoonEnough()));

  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(ValueOf(**got), "first");
  EXPECT_EQ((*got)->resource_version(), made->resource_version());
  EXPECT_EQ((*got)->uid(), made->uid());
  EXPECT_EQ((*got)->name(), (ObjectName{world.ns(), "one"}));
}

TEST(KubeClient, SaysWhatIsNotThere) {
  KubeWorld world;

  EXPECT_THAT(
      world.Run(world.client().Get(kSecrets, {world.ns(), "none"}, SoonEnough())),
      HasErrorMessage(ErrorCode::kNotFound, HasSubstr("get secrets " + world.ns() + "/none: ")));
}

TEST(KubeClient, ListsInPagesOfOneVersion) {
  KubeWorld world;
  for (int i = 0; i < 1200; ++i) {
    KubeWorld::server().Must("POST",
                             "/api/v1/namespaces/" + world.ns() + "/configmaps",
                             boost::json::serialize(KubeWorld::Map("m" + std::to_string(i), "1")));
  }

  const auto all = world.Run(world.client().List(kConfigMaps, {world.ns(), "", ""}, SoonEnough()));

  ASSERT_TRUE(all) << all.error().message;
  EXPECT_EQ(all->items.size(), 1200U);
}

TEST(KubeClient, WatchesFromAVersion) {
  KubeWorld world;
  const ObjectPtr made = world.Make("one", "first");
  world.Change("one", "second");
  world.Make("two");
  std::vector<std::string> seen;

  const auto end = world.Run(world.client().Watch(
      kConfigMaps,
      {world.ns(), "", ""},
      made->resource_version(),
      [&](WatchEvent event) {
        if (event.object) {
          seen.push_back(event.object->name().name + "=" + ValueOf(*event.object));
        }
      },
      std::chrono::milliseconds(500),
      SoonEnough()));

  ASSERT_TRUE(end) << end.error().message;
  EXPECT_EQ(*end, WatchEnd::kSilent);
  EXPECT_THAT(seen, ::testing::ElementsAre("one=second", "two=1"));
}

TEST(KubeClient, KnowsAVersionThatIsGone) {
  KubeWorld world;
  const ObjectPtr old = world.Make("one", "first");
  world.Change("one", "second");
  KubeWorld::server().Kill();
  KubeWorld::server().Compact();
  KubeWorld::server().Start();

  const auto end = world.Run(world.client().Watch(
      kConfigMaps,
      {world.ns(), "", ""},
      old->resource_version(),
      [](WatchEvent) {},
      std::chrono::seconds(20),
      SoonEnough()));

  ASSERT_TRUE(end) << end.error().message;
  EXPECT_EQ(*end, WatchEnd::kExpired);
}

TEST(KubeClient, FailsFastWhileNobodyListens) {
  KubeWorld world;
  ClusterConnection settings = KubeWorld::server().Settings();
  settings.server.port = testing_support::TcpGate(1).port();  // Free again.
  ApiClient client(std::move(settings), KubeWorld::Parts());
  const auto started = std::chrono::steady_clock::now();

  const auto got = world.Run(client.Get(kConfigMaps, {world.ns(), "one"}, SoonEnough()));

  EXPECT_THAT(got, HasErrorMessage(ErrorCode::kUnavailable, HasSubstr("refused the connection")));
  EXPECT_EQ(got.error().retry, Retry::kSafe);
  EXPECT_LT(std::chrono::steady_clock::now() - started, std::chrono::seconds(5));
}

}  // namespace
}  // namespace connector::kube
