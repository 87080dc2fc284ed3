#include "common/metrics/counter_block.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <cstdint>
#include <string>
#include <thread>
#include <vector>

namespace connector::metrics {
namespace {

std::string Exposition(const prometheus::Collectable& collectable) {
  return prometheus::TextSerializer().Serialize(collectable.Collect());
}

TEST(CounterBlock, SumsWhatEachCoreAdded) {
  CounterBlock block({{.name = "a_total", .help = ""}, {.name = "b_total", .help = ""}}, 3);
  block.shard(0).Add(0);
  block.shard(2).Add(0, 5);
  block.shard(1).Add(1, 7);

  EXPECT_EQ(block.Sum(0), 6U);
  EXPECT_EQ(block.Sum(1), 7U);
}

TEST(CounterBlock, CountsAGaugeThatRoseOnOneCoreAndFellOnAnother) {
  CounterBlock block({{.name = "open", .help = "Open.", .kind = CounterSpec::Kind::kGauge}}, 2);
  block.shard(0).Add(0, 2);
  block.shard(1).Sub(0, 3);

  EXPECT_EQ(Exposition(block), "# HELP open Open.\n# TYPE open gauge\nopen -1\n");
}

TEST(CounterBlock, ShowsCountersOfOneNameAsOneFamily) {
  CounterBlock block({{.name = "r_total", .help = "Requests.", .labels = {{"code", "200"}}},
                      {.name = "r_total", .help = "Requests.", .labels = {{"code", "404"}}},
                      {.name = "s_total", .help = "Others."}},
                     1);
  block.shard(0).Add(0, 2);
  block.shard(0).Add(1);

  EXPECT_EQ(Exposition(block),
            "# HELP r_total Requests.\n# TYPE r_total counter\n"
            "r_total{code=\"200\"} 2\nr_total{code=\"404\"} 1\n"
            "# HELP s_total Others.\n# TYPE s_total counter\ns_total 0\n");
}

TEST(CounterBlock, LosesNothingWhenCoresAddAtTheSameTime) {
  constexpr std::uint64_t kEach = 20'000;
  CounterBlock block(std::vector<CounterSpec>(20, {.name = "a_total", .help = ""}), 2);
  const auto add = [&block](std::size_t core) {
    for (std::uint64_t i = 0; i < kEach; ++i) {
      block.shard(core).Add(19);
    }
  };
  std::thread first(add, 0);
  std::thread second(add, 1);
  const std::string meanwhile = Exposition(block);
  first.join();
  second.join();

  EXPECT_EQ(block.Sum(19), 2 * kEach);
}

}  // namespace
}  // namespace connector::metrics
