#include "common/metrics/process_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/metric_family.h>

#include <map>
#include <optional>
#include <string>

namespace connector::metrics {
namespace {

using ::testing::Ge;
using ::testing::Gt;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

std::map<std::string, double> Values(const ProcessMetrics& metrics) {
  std::map<std::string, double> values;
  for (const prometheus::MetricFamily& family : metrics.Collect()) {
    const prometheus::ClientMetric& metric = family.metric.at(0);
    values[family.name] =
        family.type == prometheus::MetricType::Counter ? metric.counter.value : metric.gauge.value;
  }
  return values;
}

TEST(ParseProcStat, ReadsTheFieldsByTheirPlace) {
  EXPECT_EQ(ParseProcStat("42 (connector) S 1 42 42 0 -1 4194560 1 2 3 4 500 60 7 8 20 0 9 0 12345 "
                          "1000000 321 18446744073709551615 1 1"),
            (ProcStat{.user_ticks = 500,
                      .system_ticks = 60,
                      .threads = 9,
                      .start_ticks = 12345,
                      .resident_pages = 321}));
}

TEST(ParseProcStat, IsNotLedAstrayByTheNameOfTheProgram) {
  EXPECT_EQ(ParseProcStat("42 (a) S 1 (b) R 1 42 42 0 -1 0 1 2 3 4 5 6 7 8 20 0 9 0 10 11 12 13"),
            (ProcStat{.user_ticks = 5,
                      .system_ticks = 6,
                      .threads = 9,
                      .start_ticks = 10,
                      .resident_pages = 12}));
}

TEST(ParseProcStat, RefusesWhatIsShortOrNotANumber) {
  EXPECT_EQ(ParseProcStat(""), std::nullopt);
  EXPECT_EQ(ParseProcStat("42 (a) S 1 42 42 0 -1 0 1 2 3 4 5 6 7 8 20 0 9 0 10 11"), std::nullopt);
  EXPECT_EQ(ParseProcStat("42 (a) S 1 42 42 0 -1 0 1 2 3 4 x 6 7 8 20 0 9 0 10 11 12"),
            std::nullopt);
}

TEST(ProcessMetrics, SayWhatTheProcessUses) {
  EXPECT_THAT(Values(ProcessMetrics("test", "1.2.3")),
              UnorderedElementsAre(Pair("process_resident_memory_bytes", Gt(100'000)),
                                   Pair("process_open_fds", Gt(2)),
                                   Pair("process_max_fds", Gt(2)),
                                   Pair("process_threads", Gt(0)),
                                   Pair("process_start_time_seconds", Gt(1'000'000'000)),
                                   Pair("process_cpu_seconds_total", Ge(0)),
                                   Pair("connector_test_build_info", 1)));
}

TEST(ProcessMetrics, NameTheVersionOfTheBuild) {
  const prometheus::MetricFamily family = ProcessMetrics("test", "1.2.3").Collect().at(0);

  EXPECT_EQ(family.metric.at(0).label,
            (std::vector<prometheus::ClientMetric::Label>{{"version", "1.2.3"}}));
}

}  // namespace
}  // namespace connector::metrics
