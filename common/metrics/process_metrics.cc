#include "common/metrics/process_metrics.h"

#include <prometheus/metric_family.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <system_error>
#include <utility>

namespace connector::metrics {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;

// Positions in proc(5), counted from the state, which is the third field.
constexpr std::size_t kUserTicks = 14 - 3;
constexpr std::size_t kSystemTicks = 15 - 3;
constexpr std::size_t kThreads = 20 - 3;
constexpr std::size_t kStartTicks = 22 - 3;
constexpr std::size_t kResidentPages = 24 - 3;

std::string ReadFile(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

MetricFamily One(std::string name, std::string help, MetricType type, double value) {
  MetricFamily family;
  family.name = std::move(name);
  family.help = std::move(help);
  family.type = type;
  prometheus::ClientMetric& metric = family.metric.emplace_back();
  (type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
  return family;
}

// Seconds since the epoch at which the machine started.
std::optional<double> BootTime() {
  std::istringstream stat(ReadFile("/proc/stat"));
  for (std::string line; std::getline(stat, line);) {
    std::uint64_t seconds = 0;
    if (line.starts_with("btime ") &&
        std::from_chars(line.data() + 6, line.data() + line.size(), seconds).ec == std::errc()) {
      return static_cast<double>(seconds);
    }
  }
  return std::nullopt;
}

std::optional<double> OpenDescriptors() {
  std::error_code failed;
  std::filesystem::directory_iterator entries("/proc/self/fd", failed);
  if (failed) {
    return std::nullopt;
  }
  double count = -1;  // The iterator's own.
  for (const auto end = std::filesystem::directory_iterator(); entries != end && !failed;
       entries.increment(failed)) {
    count += 1;
  }
  return count;
}

void AddStat(std::vector<MetricFamily>& out, const ProcStat& stat) {
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  const auto page = static_cast<double>(sysconf(_SC_PAGESIZE));
  out.push_back(One("process_cpu_seconds_total",
                    "CPU time used, user and system.",
                    MetricType::Counter,
                    static_cast<double>(stat.user_ticks + stat.system_ticks) / ticks));
  out.push_back(One("process_resident_memory_bytes",
                    "Memory of the process that is in RAM.",
                    MetricType::Gauge,
                    static_cast<double>(stat.resident_pages) * page));
  out.push_back(One("process_threads",
                    "Threads of the process.",
                    MetricType::Gauge,
                    static_cast<double>(stat.threads)));
  if (const std::optional<double> boot = BootTime()) {
    out.push_back(One("process_start_time_seconds",
                      "When the process started, since the epoch.",
                      MetricType::Gauge,
                      *boot + static_cast<double>(stat.start_ticks) / ticks));
  }
}

}  // namespace

std::optional<ProcStat> ParseProcStat(std::string_view text) {
  // The name is in parentheses and may hold anything, so the last one ends it.
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string_view::npos) {
    return std::nullopt;
  }
  std::istringstream rest{std::string(text.substr(name_end + 1))};
  const std::vector<std::string> fields{std::istream_iterator<std::string>(rest), {}};
  if (fields.size() <= kResidentPages) {
    return std::nullopt;
  }
  ProcStat stat;
  const std::array<std::pair<std::size_t, std::uint64_t*>, 5> wanted{
      {{kUserTicks, &stat.user_ticks},
       {kSystemTicks, &stat.system_ticks},
       {kThreads, &stat.threads},
       {kStartTicks, &stat.start_ticks},
       {kResidentPages, &stat.resident_pages}}};
  for (const auto& [index, value] : wanted) {
    const std::string& field = fields[index];
    if (std::from_chars(field.data(), field.data() + field.size(), *value).ec != std::errc()) {
      return std::nullopt;
    }
  }
  return stat;
}

ProcessMetrics::ProcessMetrics(std::string program, std::string version)
    : program_(std::move(program)), version_(std::move(version)) {}

std::vector<MetricFamily> ProcessMetrics::Collect() const {
  std::vector<MetricFamily> out;
  MetricFamily build = One("connector_" + program_ + "_build_info",
                           "Always 1; the labels say which build this is.",
                           MetricType::Gauge,
                           1);
  build.metric.front().label.push_back({"version", version_});
  out.push_back(std::move(build));
  if (const auto stat = ParseProcStat(ReadFile("/proc/self/stat"))) {
    AddStat(out, *stat);
  }
  if (const std::optional<double> open = OpenDescriptors()) {
    out.push_back(One("process_open_fds", "Open file descriptors.", MetricType::Gauge, *open));
  }
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    out.push_back(One("process_max_fds",
                      "Limit of open file descriptors.",
                      MetricType::Gauge,
                      static_cast<double>(limit.rlim_cur)));
  }
  return out;
}

}  // namespace connector::metrics
