#pragma once

// DirectorySource: watches a directory of resources and passes its content to the publisher.
// effective_resources.h decides what stays effective when a file is wrong.
//
// Polls names, times and inodes instead of using inotify. Polling also sees the symbolic-link swap
// of Kubernetes projections, network file systems and files replaced by rename.

#include "broker/connectors/catalog_publisher.h"
#include "broker/connectors/effective_resources.h"
#include "common/base/polling_thread.h"
#include "common/base/result.h"
#include "common/config/problem.h"
#include "common/log/log.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
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

  // Since the directory was seen last, whether something had changed or not. Thread-safe.
  [[nodiscard]] std::chrono::steady_clock::duration Silence() const {
    return std::chrono::steady_clock::now() - seen_at_.load();
  }

  // How many files were read since the start, each time that one was. Thread-safe.
  [[nodiscard]] std::uint64_t files_read() const { return files_read_; }

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

  // A file as it was read.
  struct ReadFile {
    FileState state;
    bool settled = false;
    resource::FileDocuments documents;
  };

  [[nodiscard]] Result<std::vector<FileState>> TakeStates() const;
  [[nodiscard]] static bool Settled(const FileState& state);
  [[nodiscard]] resource::DirectoryContent Read(const std::vector<FileState>& states);
  void NoteSeen();
  bool Scan(Result<std::vector<FileState>> states);
  // From what was loaded last.
  [[nodiscard]] bool Differ(const Result<std::vector<FileState>>& states) const;
  // `visible`: the states of the files say that something changed. True when it did.
  [[nodiscard]] Result<bool> Reload(Result<std::vector<FileState>> states, bool visible);
  void ReportProblems(std::vector<config::Problem> problems);
  void ScanInTurn();

  const std::string directory_;
  const Targets targets_;
  const std::unique_ptr<Metrics> metrics_;

  std::atomic<std::chrono::steady_clock::time_point> seen_at_ = std::chrono::steady_clock::now();

  std::atomic<std::uint64_t> files_read_ = 0;

  std::mutex scan_mutex_;  // One load at a time; guards the next five.
  std::vector<FileState> states_;
  std::map<std::string, ReadFile> files_;  // By path: what has not changed is not read again.
  bool failing_ = false;                   // The directory could not be read the last time.
  bool settled_ = false;  // False: a file changed so recently that its times may hide a change.
  std::shared_ptr<const EffectiveResources> effective_ = std::make_shared<EffectiveResources>();

  mutable std::mutex mutex_;  // Guards the problems.
  std::vector<config::Problem> problems_;
  PollingThread thread_;
};

}  // namespace connector::broker::connectors
