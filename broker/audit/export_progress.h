#pragma once

// ExportProgress: how far the records were sent to one receiver, shared between who sends them
// (broker/audit_export) and who writes them. Says when so many wait that nothing may be issued.

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace connector::broker::audit {

// Thread-safe.
class ExportProgress {
 public:
  // `max_behind`: records that may wait; 0 when any number may.
  ExportProgress(std::string receiver, std::uint64_t max_behind)
      : receiver_(std::move(receiver)), max_behind_(max_behind) {}

  void Reached(std::uint64_t seq) { through_ = seq; }
  [[nodiscard]] std::uint64_t through() const { return through_; }  // The last one that was sent.
  [[nodiscard]] const std::string& receiver() const { return receiver_; }

  // Whether a record with number `seq` would be too far ahead of the receiver.
  [[nodiscard]] bool Refuses(std::uint64_t seq) const {
    return max_behind_ > 0 && seq > through_ + max_behind_;
  }

 private:
  const std::string receiver_;
  const std::uint64_t max_behind_;
  std::atomic<std::uint64_t> through_ = 0;
};

using ExportProgressList = std::vector<std::shared_ptr<ExportProgress>>;

}  // namespace connector::broker::audit
