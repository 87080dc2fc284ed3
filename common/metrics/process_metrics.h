#pragma once

// ProcessMetrics: what every program says about itself, read from /proc when scraped:
// process_resident_memory_bytes, process_cpu_seconds_total, process_open_fds, process_max_fds,
// process_threads, process_start_time_seconds (the names that Prometheus client libraries share),
// and connector_<program>_build_info{version}. What cannot be read is left out.

#include <prometheus/collectable.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace connector::metrics {

// The fields of /proc/PID/stat that are used, in its units.
struct ProcStat {
  std::uint64_t user_ticks = 0;
  std::uint64_t system_ticks = 0;
  std::uint64_t threads = 0;
  std::uint64_t start_ticks = 0;  // Since boot.
  std::uint64_t resident_pages = 0;

  bool operator==(const ProcStat&) const = default;
};

// Parses one /proc/PID/stat (proc(5)); the command name may hold spaces and parentheses.
[[nodiscard]] std::optional<ProcStat> ParseProcStat(std::string_view text);

class ProcessMetrics final : public prometheus::Collectable {
 public:
  // `program` is the short name that metric names carry, for example "dataplane".
  ProcessMetrics(std::string program, std::string version);

  [[nodiscard]] std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  std::string program_;
  std::string version_;
};

}  // namespace connector::metrics
