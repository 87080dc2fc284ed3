#include "broker/connectors/directory/directory_source.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace connector::broker::connectors {
namespace {

// The worst resolution of file times: a second change within it may not be visible.
constexpr std::chrono::milliseconds kTimestampGrain{100};
// A file that is being written gets this long to become complete before it is read.
constexpr std::chrono::milliseconds kWriteGrace{20};

std::int64_t Nanoseconds(const timespec& time) {
  return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

prometheus::Gauge& MakeDirectoryGauge(prometheus::Registry& registry,
                                      const char* name,
                                      const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
}

}  // namespace

struct DirectorySource::Metrics {
  explicit Metrics(prometheus::Registry& registry)
      : problems(MakeDirectoryGauge(registry,
                                    "connector_broker_resource_problems",
                                    "Problems in the resource directory, by its last load")),
        reloads(prometheus::BuildCounter()
                    .Name("connector_broker_resource_reloads_total")
                    .Help("Loads of the resource directory: ok, problems (some resource was "
                          "refused) or failed (the directory cannot be read)")
                    .Register(registry)),
        ok(reloads.Add({{"result", "ok"}})),
        with_problems(reloads.Add({{"result", "problems"}})),
        failed(reloads.Add({{"result", "failed"}})) {}

  prometheus::Gauge& problems;
  prometheus::Family<prometheus::Counter>& reloads;
  prometheus::Counter& ok;
  prometheus::Counter& with_problems;
  prometheus::Counter& failed;
};

DirectorySource::DirectorySource(std::string directory, Targets targets)
    : directory_(std::move(directory)),
      targets_(targets),
      metrics_(std::make_unique<Metrics>(targets.registry)) {}

DirectorySource::~DirectorySource() {
  Stop();
}

Result<Done> DirectorySource::Load() {
  const std::lock_guard lock(scan_mutex_);
  const Result<bool> loaded = Reload(TakeStates(), true);
  return loaded ? Result<Done>(Done{}) : Result<Done>(loaded.error());
}

bool DirectorySource::ScanOnce() {
  return Scan(TakeStates());
}

bool DirectorySource::Scan(Result<std::vector<FileState>> states) {
  const std::lock_guard lock(scan_mutex_);
  const bool visible = Differ(states);
  if (!visible && settled_) {
    NoteSeen();
    return false;
  }
  const Result<bool> loaded = Reload(std::move(states), visible);
  NoteSeen();
  return loaded && *loaded;
}

void DirectorySource::NoteSeen() {
  if (!failing_) {
    seen_at_ = std::chrono::steady_clock::now();
  }
}

bool DirectorySource::Differ(const Result<std::vector<FileState>>& states) const {
  return states ? *states != states_ || failing_ : !failing_;
}

// States are taken before the load, so that the next scan sees a change during it.
Result<bool> DirectorySource::Reload(Result<std::vector<FileState>> states, bool visible) {
  if (!states) {
    failing_ = true;
    settled_ = true;
    metrics_->failed.Increment();
    targets_.logger.Error("resource directory cannot be read",
                          {{"directory", directory_}, {"error", states.error().message}});
    ReportProblems({{directory_, 0, {}, states.error().message}});
    return std::move(states).error();
  }
  failing_ = false;
  states_ = *std::move(states);
  resource::DirectoryContent content = Read(states_);
  effective_ = std::make_shared<const EffectiveResources>(MergeResources(*effective_, content));
  const bool published = targets_.publisher.Publish(effective_);
  if (!visible && !published && content.problems == LastProblems()) {
    return false;  // This load was only a precaution, because file times are coarse.
  }
  (content.problems.empty() ? metrics_->ok : metrics_->with_problems).Increment();
  targets_.logger.Info("resources loaded",
                       {{"directory", directory_},
                        {"connectors", effective_->connectors.size()},
                        {"secrets", effective_->secrets.size()},
                        {"problems", content.problems.size()}});
  ReportProblems(std::move(content.problems));
  return true;
}

// Reads what has changed, so that one tenant's large file delays no other tenant's revocation.
resource::DirectoryContent DirectorySource::Read(const std::vector<FileState>& states) {
  std::map<std::string, ReadFile> next;
  std::vector<std::string> changed;
  for (const FileState& state : states) {
    auto kept = files_.extract(state.path);
    if (kept && kept.mapped().settled && !kept.mapped().documents.unreadable &&
        kept.mapped().state == state) {
      next.insert(std::move(kept));
    } else {
      next.emplace(state.path, ReadFile{state, Settled(state), {}});
      changed.push_back(state.path);
    }
  }
  std::vector<resource::FileDocuments> read = resource::ReadResourceFiles(changed);
  files_read_ += read.size();
  for (std::size_t i = 0; i < read.size(); ++i) {
    next.at(changed[i]).documents = std::move(read[i]);
  }
  files_ = std::move(next);
  std::vector<resource::FileDocuments> all;
  all.reserve(files_.size());
  settled_ = true;
  for (const auto& [path, file] : files_) {
    settled_ = settled_ && file.settled;
    all.push_back(file.documents);
  }
  return resource::Assemble(std::move(all));
}

void DirectorySource::ReportProblems(std::vector<config::Problem> problems) {
  metrics_->problems.Set(static_cast<double>(problems.size()));
  for (const config::Problem& problem : problems) {
    targets_.logger.Warning("resource refused",
                            {{"file", problem.file},
                             {"line", problem.line},
                             {"path", problem.path},
                             {"problem", problem.message}});
  }
  const std::lock_guard lock(mutex_);
  problems_ = std::move(problems);
}

Result<std::vector<DirectorySource::FileState>> DirectorySource::TakeStates() const {
  const Result<std::vector<std::string>> paths = resource::ListResourceFiles(directory_);
  if (!paths) {
    return paths.error();
  }
  std::vector<FileState> out;
  for (const std::string& path : *paths) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) {
      out.push_back({path, 0, 0, 0, 0, 0});
      continue;
    }
    out.push_back({path,
                   Nanoseconds(status.st_mtim),
                   Nanoseconds(status.st_ctim),
                   status.st_size,
                   status.st_ino,
                   status.st_dev});
  }
  return out;
}

bool DirectorySource::Settled(const FileState& state) {
  const std::int64_t now = std::chrono::duration_cast<std::chrono::nanoseconds>(
                               std::chrono::system_clock::now().time_since_epoch())
                               .count();
  return std::abs(now - state.changed_ns) >= std::chrono::nanoseconds(kTimestampGrain).count();
}

std::vector<config::Problem> DirectorySource::LastProblems() const {
  const std::lock_guard lock(mutex_);
  return problems_;
}

void DirectorySource::Start() {
  thread_.Start(kScanInterval, [this] {
    ScanInTurn();
    return kScanInterval;
  });
}

void DirectorySource::Stop() {
  thread_.Stop();
}

void DirectorySource::ScanInTurn() {
  Result<std::vector<FileState>> states = TakeStates();
  const bool changed = [&] {
    const std::lock_guard lock(scan_mutex_);
    return Differ(states);
  }();
  if (!changed) {
    Scan(std::move(states));
  } else if (thread_.Wait(kWriteGrace)) {
    ScanOnce();
  }
}

}  // namespace connector::broker::connectors
