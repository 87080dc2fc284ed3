#pragma once

// DirectorySource: watches a directory of resources and passes its content to the publisher.
// effective_resources.h decides what stays effective when a file is wrong.
//
// Polls names, times and inodes instead of using inotify. Polling also sees the symbolic-link swap
// of Kubernetes projections, network file systems and files replaced by rename.

#include "broker/connectors/catalog_publisher.h"
#include "broker/connectors/effective_resources.h"
#include "common/base/result.h"
#include "common/config/problem.h"
#include "common/log/log.h"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace prometheus {
class Registry;
}  // namespace prometheus

namespace connector::broker::connectors {

inline constexpr std::chrono::milliseconds kScanInterval{200};

class DirectorySource {
 public:
  // All outlive the source.
  struct Targets {
    CatalogPublisher& publisher;
    log::Logger& logger;
    prometheus::Registry& registry;
  };

  DirectorySource(std::string directory, Targets targets);
  ~DirectorySource();  // Stops.
  DirectorySource(const DirectorySource&) = delete;
  DirectorySource& operator=(const DirectorySource&) = delete;

  // The first load. Fails only when the directory cannot be read; problems in files are logged and
  // the rest is served.
  [[nodiscard]] Result<Done> Load();

  // Starts the thread that calls ScanOnce every kScanInterval. Stop waits for it; both may be
  // called once.
  void Start();
  void Stop();

  // Loads again if something in the directory changed since the last load. True when it did.
  bool ScanOnce();

  // Of the last load, in the order of files and lines. Thread-safe.
  [[nodiscard]] std::vector<config::Problem> LastProblems() const;

 private:
  struct Metrics;
  // A file whose state is equal has not changed.
  struct FileState {
    std::string path;
    std::int64_t modified_ns = 0;
    std::int64_t changed_ns = 0;
    std::int64_t size = 0;
    std::uint64_t inode = 0;
    std::uint64_t device = 0;

    bool operator==(const FileState&) const = default;
  };

  [[nodiscard]] Result<std::vector<FileState>> TakeStates() const;
  [[nodiscard]] static bool Settled(const std::vector<FileState>& states);
  [[nodiscard]] bool Changed() const;
  // `visible`: the states of the files say that something changed. True when it did.
  [[nodiscard]] Result<bool> Reload(bool visible);
  void ReportProblems(std::vector<config::Problem> problems);
  void Run();

  const std::string directory_;
  const Targets targets_;
  const std::unique_ptr<Metrics> metrics_;

  std::mutex scan_mutex_;  // One load at a time; guards the next four.
  std::vector<FileState> states_;
  bool failing_ = false;  // The directory could not be read the last time.
  bool settled_ = false;  // False: a file changed so recently that its times may hide a change.
  std::shared_ptr<const EffectiveResources> effective_ = std::make_shared<EffectiveResources>();

  mutable std::mutex mutex_;  // Guards the rest.
  std::condition_variable wake_;
  bool stopping_ = false;
  std::vector<config::Problem> problems_;
  std::thread thread_;
};

}  // namespace connector::broker::connectors
