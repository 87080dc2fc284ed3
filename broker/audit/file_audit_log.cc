#include "broker/audit/file_audit_log.h"

#include "broker/audit/own_records.h"
#include "broker/audit/refusal_budget.h"
#include "common/log/log.h"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <prometheus/counter.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <algorithm>
#include <condition_variable>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace connector::broker::audit {
namespace {

// A suspended Append, whatever its handler's type.
class Waiter {
 public:
  virtual ~Waiter() = default;
  // Resumes it on its own executor: the writer thread must not run other code.
  virtual void Complete(Result<Done> result) = 0;

 protected:
  Waiter() = default;
  Waiter(const Waiter&) = default;
  Waiter& operator=(const Waiter&) = default;
};

template <typename Handler>
class WaiterOf final : public Waiter {
 public:
  explicit WaiterOf(Handler handler) : handler_(std::move(handler)) {}
  void Complete(Result<Done> result) override {
    const auto executor = asio::get_associated_executor(handler_);
    auto call = [h = std::move(handler_), r = std::move(result)]() mutable {
      std::move(h)(std::move(r));
    };
    asio::post(executor, std::move(call));
  }

 private:
  Handler handler_;
};

using WaiterPtr = std::unique_ptr<Waiter>;

struct AuditMetrics {
  explicit AuditMetrics(prometheus::Registry& registry)
      : records(prometheus::BuildCounter()
                    .Name("connector_broker_audit_records_total")
                    .Help("Audit records that are on disk.")
                    .Register(registry)
                    .Add({})),
        failures(prometheus::BuildCounter()
                     .Name("connector_broker_audit_failures_total")
                     .Help("Audit records that could not be written; nothing was issued for them.")
                     .Register(registry)
                     .Add({})),
        sync_seconds(prometheus::BuildHistogram()
                         .Name("connector_broker_audit_sync_seconds")
                         .Help("Time to write and sync one batch of records.")
                         .Register(registry)
                         .Add({},
                              prometheus::Histogram::BucketBoundaries{
                                  0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3})) {}

  prometheus::Counter& records;
  prometheus::Counter& failures;
  prometheus::Histogram& sync_seconds;
};

Error Refused(std::string message) {
  return MakeError(ErrorCode::kUnavailable, ErrorOrigin::kSelf, std::move(message), Retry::kSafe);
}

}  // namespace

class FileAuditLog::Impl {
 public:
  Impl(FileAuditLogOptions options, std::unique_ptr<ChainWriter> writer)
      : interval_(options.interval),
        max_queued_(options.max_queued),
        retention_(options.retention),
        exports_(options.exports),
        clock_(options.chain.clock),
        log_(options.chain.log),
        metrics_(*options.registry),
        writer_(std::move(writer)),
        keys_(options.chain.keys),
        used_keys_(keys_) {
    status_ = StatusOf({});
    head_due_ = std::chrono::steady_clock::now() + interval_;
    thread_ = std::thread([this] { Run(); });
  }

  void Enqueue(auditlog::Event event, WaiterPtr waiter) {
    std::string refusal;
    bool counted = false;
    {
      const std::lock_guard lock(mutex_);
      std::optional<auditlog::Event> record;
      if (stopping_) {
        refusal = "the audit log is stopped";
      } else if (events_.size() >= max_queued_) {
        refusal = "the audit queue is full";
      } else if (const ExportProgress* const behind = FirstRefusing()) {
        refusal = "too many audit records wait for " + behind->receiver();
      } else if (IsCountedRefusal(event)) {
        record = refusals_.Take(std::move(event));
        counted = !record;
      } else {
        record = std::move(event);
      }
      if (record) {
        events_.push_back(*std::move(record));
        waiters_.push_back(std::move(waiter));
      }
    }
    if (counted) {
      // NOLINTNEXTLINE(bugprone-use-after-move): moved only with a record.
      waiter->Complete(Done{});
      return;
    }
    if (refusal.empty()) {
      wake_.notify_one();
      return;
    }
    metrics_.failures.Increment();
    // NOLINTNEXTLINE(bugprone-use-after-move): moved only where `refusal` stays empty.
    waiter->Complete(Refused(std::move(refusal)));
  }

  void Stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_one();
    const std::lock_guard lock(join_mutex_);
    if (thread_.joinable()) {
      thread_.join();
    }
  }

  AuditStatus Status() const {
    const std::lock_guard lock(mutex_);
    return status_;
  }

  void UseKeys(std::shared_ptr<const auditlog::ChainKeys> keys) {
    {
      const std::lock_guard lock(mutex_);
      keys_ = std::move(keys);
    }
    wake_.notify_one();
  }

  std::string HeadLine() const {
    const std::lock_guard lock(mutex_);
    std::string line = auditlog::FormatHead(status_.head, keys_->front());
    line.pop_back();
    return line;
  }

 private:
  void Run() {
    bool running = true;
    while (running) {
      std::vector<auditlog::Event> events;
      std::vector<WaiterPtr> waiters;
      running = Take(events, waiters);
      if (events.empty()) {
        writer_->Look();
      }
      if (!events.empty() || writer_->HasOwnRecords()) {
        const Result<Done> result = Write(events);
        for (const WaiterPtr& waiter : waiters) {
          waiter->Complete(result);
        }
      }
      KeepHouse(!running);
    }
    const auditlog::ChainPosition& last = writer_->position();
    log_->Info("audit: stopped", {{"head", last.seq}, {"hash", last.hash}});
  }

  // Waits for records, and adds those of the log itself. False at the end: nothing comes after
  // them.
  bool Take(std::vector<auditlog::Event>& events, std::vector<WaiterPtr>& waiters) {
    std::unique_lock lock(mutex_);
    wake_.wait_for(
        lock, interval_, [this] { return stopping_ || !events_.empty() || used_keys_ != keys_; });
    if (used_keys_ != keys_) {
      used_keys_ = keys_;
      writer_->UseKeys(keys_);
    }
    events.swap(events_);
    waiters.swap(waiters_);
    const bool running = !stopping_ || !events.empty();
    const WallTime now = clock_->Now();
    if (events.empty() && running && !status_.problem.empty()) {
      events.push_back(RecoveredRecord(now));
    }
    for (auditlog::Event& summary : running ? refusals_.CloseIfOver(now) : refusals_.Close(now)) {
      events.push_back(std::move(summary));
    }
    status_.refusals_counted = refusals_.counted();
    return running;
  }

  Result<Done> Write(const std::vector<auditlog::Event>& events) {
    const auto start = std::chrono::steady_clock::now();
    const std::uint64_t before = writer_->position().seq;
    Result<Done> result = writer_->Append(events);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    metrics_.sync_seconds.Observe(took.count());
    metrics_.records.Increment(static_cast<double>(writer_->position().seq - before));
    metrics_.failures.Increment(result ? 0 : static_cast<double>(events.size()));

    std::string problem = result ? std::string() : result.error().message;
    bool changed = false;
    {
      const std::lock_guard lock(mutex_);
      changed = problem.empty() != status_.problem.empty();
      status_ = StatusOf(problem);
    }
    if (changed && problem.empty()) {
      log_->Warning("audit: records can be written again");
    } else if (changed) {
      log_->Error("audit: records cannot be written, so nothing is issued", {{"error", problem}});
    }
    return result;
  }

  // What is done once each interval, and not with each batch. The head's file is a second sync.
  void KeepHouse(bool now) {
    const auto time = std::chrono::steady_clock::now();
    if (!now && time < head_due_) {
      return;
    }
    head_due_ = time + interval_;
    RemoveOld();
    const Result<Done> written = writer_->WriteHead();
    const std::string problem = written ? std::string() : written.error().message;
    bool changed = false;
    {
      const std::lock_guard lock(mutex_);
      changed = problem.empty() != status_.head_problem.empty();
      status_.head_problem = problem;
    }
    if (changed && problem.empty()) {
      log_->Warning("audit: the head file can be written again");
    } else if (changed) {
      log_->Error("audit: the head file cannot be written", {{"error", problem}});
    }
  }

  AuditStatus StatusOf(std::string problem) const {
    return {writer_->position(),
            std::move(problem),
            writer_->key_id(),
            writer_->losses(),
            writer_->head_file(),
            status_.head_problem,
            status_.refusals_counted,
            status_.volume,
            retention_.when_full};
  }

  // The receiver for which one more record would be too many.
  [[nodiscard]] const ExportProgress* FirstRefusing() const {
    const std::uint64_t next = status_.head.seq + events_.size() + 1;
    const auto found = std::find_if(exports_.begin(), exports_.end(), [&](const auto& progress) {
      return progress->Refuses(next);
    });
    return found == exports_.end() ? nullptr : found->get();
  }

  [[nodiscard]] std::uint64_t ExportedThrough() const {
    std::uint64_t through = std::numeric_limits<std::uint64_t>::max();
    for (const auto& progress : exports_) {
      through = std::min(through, progress->through());
    }
    return through;
  }

  void RemoveOld() {
    const Result<Done> removed = writer_->RemoveOld(retention_, ExportedThrough());
    if (!removed) {
      log_->Warning("audit: old files could not be removed", {{"error", removed.error().message}});
    }
    const AuditVolume volume = LookAtVolume(writer_->directory());
    bool changed = false;
    {
      const std::lock_guard lock(mutex_);
      changed = IsAlmostFull(volume) && !IsAlmostFull(status_.volume);
      status_.volume = volume;
      status_.head = writer_->position();
    }
    if (changed) {
      log_->Warning("audit: the volume is almost full",
                    {{"used_percent", volume.UsedPercent()},
                     {"when_full", retention_.when_full ? "removeOldest" : "refuse"}});
    }
  }

  const std::chrono::milliseconds interval_;
  const std::size_t max_queued_;
  const RetentionRule retention_;
  const ExportProgressList exports_;
  const Clock* const clock_;
  log::Logger* const log_;
  AuditMetrics metrics_;
  std::unique_ptr<ChainWriter> writer_;  // Used only by the thread.
  std::chrono::steady_clock::time_point head_due_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<auditlog::Event> events_;
  std::vector<WaiterPtr> waiters_;  // Of the events.
  RefusalBudget refusals_;
  std::shared_ptr<const auditlog::ChainKeys> keys_;
  std::shared_ptr<const auditlog::ChainKeys> used_keys_;  // By the writer.
  bool stopping_ = false;
  AuditStatus status_;

  std::mutex join_mutex_;
  std::thread thread_;
};

FileAuditLog::FileAuditLog(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

FileAuditLog::~FileAuditLog() {
  Stop();
}

Result<std::unique_ptr<FileAuditLog>> FileAuditLog::Open(FileAuditLogOptions options) {
  auto writer = ChainWriter::Open(options.chain);
  if (!writer) {
    return writer.error();
  }
  return std::unique_ptr<FileAuditLog>(
      new FileAuditLog(std::make_unique<Impl>(std::move(options), std::move(*writer))));
}

Task<Result<Done>> FileAuditLog::Append(auditlog::Event event) {
  Impl* const impl = impl_.get();
  // `event` lives in this frame until the handler has run.
  auto initiate = [impl, &event](auto handler) {
    impl->Enqueue(std::move(event),
                  std::make_unique<WaiterOf<decltype(handler)>>(std::move(handler)));
  };
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<Executor>,
                                          void(Result<Done>)>(initiate, kUseTask);
}

void FileAuditLog::UseKeys(std::shared_ptr<const auditlog::ChainKeys> keys) {
  impl_->UseKeys(std::move(keys));
}

void FileAuditLog::Stop() {
  impl_->Stop();
}

std::vector<prometheus::MetricFamily> FileAuditLog::Metrics() const {
  return CollectAuditState(Status());
}

void FileAuditLog::AddReadiness(admin::Readiness& readiness) const {
  AddTo(readiness, Status());
}

void FileAuditLog::AddStatus(admin::StatusReport& status) const {
  status.sections.push_back(AuditSection(Status()));
}

std::string FileAuditLog::HeadLine() const {
  return impl_->HeadLine();
}

AuditStatus FileAuditLog::Status() const {
  return impl_->Status();
}

}  // namespace connector::broker::audit
