#include "tests/integration/common/kube/followed.h"
#include "tests/support/cpp/tcp_gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <random>

namespace connector::kube {
namespace {

using namespace std::chrono_literals;

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using testing_support::TcpGate;
using Values = Followed::Values;

InformerOptions All(const KubeWorld& world) {
  return {.type = kConfigMaps, .selector = {world.ns(), "", ""}};
}

// A client whose bytes go through a gate.
struct Gated {
  TcpGate gate{KubeWorld::server().port()};
  ApiClient client{Settings(), KubeWorld::Parts()};

  [[nodiscard]] kube::ClusterConnection Settings() const {
    kube::ClusterConnection settings = KubeWorld::server().Settings();
    settings.server.port = gate.port();
    return settings;
  }
};

TEST(Informer, TellsOfNothingWhenThereIsNothing) {
  KubeWorld world;
  Followed followed(world.client(), All(world));

  EXPECT_THAT(followed.Until([](const Values&) { return true; }), IsEmpty());
  EXPECT_THAT(followed.changes(), ElementsAre(IsEmpty()));
  EXPECT_TRUE(followed.informer().Health().synced);
}

TEST(Informer, FollowsWhatIsMadeChangedAndDeleted) {
  KubeWorld world;
  world.Make("kept", "1");
  world.Make("gone", "1");
  Followed followed(world.client(), All(world));
  followed.UntilEqual({{"kept", "1"}, {"gone", "1"}});

  world.Change("kept", "2");
  world.Make("new", "3");
  const auto deleted =
      world.Run(world.client().Delete(kConfigMaps, {world.ns(), "gone"}, {}, SoonEnough()));

  EXPECT_TRUE(deleted);
  EXPECT_EQ(followed.UntilEqual({{"kept", "2"}, {"new", "3"}}),
            (Values{{"kept", "2"}, {"new", "3"}}));
}

TEST(Informer, GivesReadersAnOldSnapshotAsLongAsTheyKeepIt) {
  KubeWorld world;
  world.Make("one", "1");
  Followed followed(world.client(), All(world));
  followed.UntilEqual({{"one", "1"}});
  const std::shared_ptr<const Store> before = followed.informer().Current();

  world.Change("one", "2");
  followed.UntilEqual({{"one", "2"}});

  EXPECT_EQ(ValueOf(*before->Find({world.ns(), "one"})), "1");
  EXPECT_EQ(ValueOf(*followed.informer().Current()->Find({world.ns(), "one"})), "2");
}

TEST(Informer, MakesOneCallOfABurst) {
  KubeWorld world;
  InformerOptions options = All(world);
  options.batch = std::chrono::milliseconds(1000);
  Followed followed(world.client(), options);
  followed.UntilEqual({});

  for (int i = 0; i < 20; ++i) {
    world.Make("m" + std::to_string(i));
  }
  followed.Until([](const Values& values) { return values.size() == 20; });

  EXPECT_LE(followed.calls(), 3);
}

TEST(Informer, GoesOnWhereTheWatchWasCut) {
  KubeWorld world;
  Gated gated;
  world.Make("one", "1");
  Followed followed(gated.client, All(world));
  followed.UntilEqual({{"one", "1"}});

  gated.gate.CutAll();
  world.Change("one", "2");

  EXPECT_EQ(followed.UntilEqual({{"one", "2"}}), (Values{{"one", "2"}}));
}

TEST(Informer, TakesASilentWatchForABrokenOne) {
  KubeWorld world;
  Gated gated;
  world.Make("one", "1");
  InformerOptions options = All(world);
  options.idle = std::chrono::milliseconds(700);
  Followed followed(gated.client, options);
  followed.UntilEqual({{"one", "1"}});

  gated.gate.Stall(true);
  world.Change("one", "2");
  EXPECT_TRUE(followed.Eventually([&] { return gated.gate.connections() > 1; }));
  gated.gate.Stall(false);

  EXPECT_EQ(followed.UntilEqual({{"one", "2"}}), (Values{{"one", "2"}}));
}

// Nothing is closed, and new connections are taken: only the silence tells.
TEST(Informer, CountsASilenceFromTheLastWordAndNotFromItsDiscovery) {
  KubeWorld world;
  Gated gated;
  world.Make("one", "1");
  InformerOptions options = All(world);
  NoticeSilence(std::chrono::seconds(6), options);
  Followed followed(gated.client, options);
  followed.UntilEqual({{"one", "1"}});

  gated.gate.Stall(true);
  const WallTime stalled = std::chrono::system_clock::now();
  std::optional<WallTime> since;
  EXPECT_TRUE(followed.Eventually([&] {
    since = followed.informer().Health().failing_since;
    return since.has_value();
  }));
  EXPECT_LT(std::chrono::system_clock::now() - stalled, std::chrono::seconds(6));
  EXPECT_LT(since.value_or(WallTime::max()) - stalled, std::chrono::milliseconds(500));
  EXPECT_THAT(followed.informer().Health().problem, HasSubstr("nothing was heard for 4 s"));

  gated.gate.Stall(false);
  world.Change("one", "2");
  EXPECT_EQ(followed.UntilEqual({{"one", "2"}}), (Values{{"one", "2"}}));
  EXPECT_TRUE(
      followed.Eventually([&] { return !followed.informer().Health().failing_since.has_value(); }));
}

TEST(Informer, HearsFromAQuietApiOftenEnough) {
  KubeWorld world;
  Gated gated;
  InformerOptions options = All(world);
  NoticeSilence(std::chrono::seconds(6), options);
  Followed followed(gated.client, options);
  followed.UntilEqual({});

  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(9);
  std::uint64_t failures = 0;
  (void)followed.Eventually([&] {
    failures += followed.informer().Health().failing_since ? 1 : 0;
    return std::chrono::steady_clock::now() > until;
  });

  EXPECT_EQ(failures, 0U);
  EXPECT_GE(gated.gate.connections(), 1U);
}

TEST(NoticeSilence, LeavesTimeBeforeTheSilenceIsTooLong) {
  for (const std::chrono::seconds silence : {5s, 6s, 60s, 3600s}) {
    InformerOptions options;
    NoticeSilence(silence, options);
    EXPECT_LT(options.idle, silence) << silence.count();
    EXPECT_LE(options.idle, kDefaultIdleWatch);
    EXPECT_GE(options.length, 3s) << "a shorter watch would be taken for a failure";
  }
}

TEST(Informer, SeesWhatWasDeletedWhileEtcdForgot) {
  KubeWorld world;
  Gated gated;
  world.Make("kept", "1");
  world.Make("gone", "1");
  Followed followed(gated.client, All(world));
  followed.UntilEqual({{"kept", "1"}, {"gone", "1"}});

  // Away, without an event of what happens meanwhile; then the old versions are no more.
  gated.gate.CutAfter([] { return 0; });
  gated.gate.CutAll();
  ASSERT_TRUE(
      world.Run(world.client().Delete(kConfigMaps, {world.ns(), "gone"}, {}, SoonEnough())));
  world.Change("kept", "2");
  KubeWorld::server().Kill();
  KubeWorld::server().Compact();
  KubeWorld::server().Start();
  gated.gate.CutAfter(nullptr);

  EXPECT_EQ(followed.UntilEqual({{"kept", "2"}}), (Values{{"kept", "2"}}));
  EXPECT_FALSE(followed.informer().Health().failing_since);
}

TEST(Informer, KeepsTheLastStateWhileTheApiServerIsDown) {
  KubeWorld world;
  world.Make("one", "1");
  Followed followed(world.client(), All(world));
  followed.UntilEqual({{"one", "1"}});

  KubeWorld::server().Kill();
  EXPECT_TRUE(
      followed.Eventually([&] { return followed.informer().Health().failing_since.has_value(); }));
  EXPECT_THAT(followed.informer().Current()->objects, SizeIs(1));
  KubeWorld::server().Start();
  world.Change("one", "2");

  EXPECT_EQ(followed.UntilEqual({{"one", "2"}}), (Values{{"one", "2"}}));
  EXPECT_TRUE(
      followed.Eventually([&] { return !followed.informer().Health().failing_since.has_value(); }));
}

TEST(Informer, SurvivesCutsAtAnyByte) {
  KubeWorld world;
  Gated gated;
  std::mt19937 random(1);
  std::uniform_int_distribution<std::size_t> budget(1, 9000);
  gated.gate.CutAfter([&] { return budget(random); });
  Followed followed(gated.client, All(world));

  Values wanted;
  for (int i = 0; i < 60; ++i) {
    const std::string name = "m" + std::to_string(i % 7);
    if (wanted.contains(name)) {
      world.Change(name, std::to_string(i));
    } else {
      world.Make(name, std::to_string(i));
    }
    wanted[name] = std::to_string(i);
  }

  EXPECT_TRUE(followed.Eventually([&] { return gated.gate.connections() > 5; }));
  gated.gate.CutAfter(nullptr);
  gated.gate.CutAll();
  EXPECT_EQ(followed.UntilEqual(wanted), wanted);
}

TEST(Informer, StopsAtOnce) {
  KubeWorld world;
  Followed followed(world.client(), All(world));
  followed.UntilEqual({});
  const auto started = std::chrono::steady_clock::now();

  EXPECT_TRUE(followed.Stop());

  EXPECT_LT(std::chrono::steady_clock::now() - started, std::chrono::seconds(5));
}

}  // namespace
}  // namespace connector::kube
