#include "broker/audit_export/record_exporter.h"

#include "broker/audit_export/position_file.h"
#include "broker/audit_export/record_reader.h"
#include "common/log/log.h"
#include "common/resilience/backoff.h"
#include "common/resilience/random.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

namespace connector::broker::audit_export {
namespace {

using Steady = std::chrono::steady_clock;

constexpr resilience::BackoffOptions kRetry{std::chrono::milliseconds(500),
                                            std::chrono::milliseconds(30'000)};
constexpr std::chrono::seconds kPositionInterval{1};  // A write of it is two syncs.

}  // namespace

class RecordExporter::Impl {
 public:
  Impl(ExporterOptions options,
       std::unique_ptr<RecordReceiver> receiver,
       AuditSource source,
       std::shared_ptr<audit::ExportProgress> progress,
       log::Logger& log)
      : options_(std::move(options)),
        receiver_(std::move(receiver)),
        source_(std::move(source)),
        progress_(std::move(progress)),
        log_(log),
        reader_(options_.directory) {}

  Result<Done> Start() {
    const Result<std::uint64_t> position = ReadPosition(options_.position_file);
    if (!position) {
      return position.error();
    }
    // A position ahead of the chain is of another one.
    position_ = *position > source_.last_durable() ? 0 : *position;
    Result<Done> written = WritePosition(options_.position_file, position_);
    if (!written) {
      return written;
    }
    progress_->Reached(position_);
    thread_ = std::thread([this] { Run(); });
    return Done{};
  }

  void Stop(Deadline deadline) {
    {
      const std::lock_guard lock(mutex_);
      stop_at_ = deadline;
    }
    wake_.notify_one();
    if (thread_.joinable()) {
      thread_.join();
    }
  }

  [[nodiscard]] ExporterStatus Status() const {
    const std::uint64_t last = source_.last_durable();
    const std::uint64_t through = progress_->through();
    const std::lock_guard lock(mutex_);
    return {options_.kind,
            progress_->receiver(),
            through,
            last - std::min(last, through),
            progress_->Refuses(last + 1),
            problem_};
  }

 private:
  void Run() {
    resilience::Backoff backoff(kRetry);
    bool more = true;
    while (more) {
      const Result<bool> sent = SendNext();
      NoteProblem(sent ? std::string() : sent.error().message);
      if (sent) {
        backoff.Reset();
      }
      if (sent && *sent) {
        more = MayGoOn();
        continue;
      }
      const auto wait = sent ? options_.interval : backoff.Next(resilience::RandomFraction());
      more = WaitFor(wait, !sent);
    }
    const Result<Done> written = WritePosition(options_.position_file, position_);
    if (!written) {
      log_.Warning(
          "audit export: how far it came could not be written; some records will be "
          "sent twice",
          {{"error", written.error().message}});
    }
  }

  // True when more may wait.
  Result<bool> SendNext() {
    const auto batch = reader_.Read(position_, source_.last_durable());
    if (!batch) {
      return batch.error();
    }
    Shipment shipment{batch->lines};
    const Steady::time_point now = Steady::now();
    if (now >= head_due_) {
      shipment.head = source_.head_line();
    }
    if (shipment.records.empty() && shipment.head.empty()) {
      return false;
    }
    Result<Done> done = receiver_->Send(shipment, now + options_.timeout);
    if (done && !shipment.head.empty()) {
      head_due_ = now + options_.head_interval;
    }
    if (done && batch->last_seq != position_) {
      position_ = batch->last_seq;
      progress_->Reached(position_);
    }
    if (done && now >= position_due_) {
      position_due_ = now + kPositionInterval;
      done = WritePosition(options_.position_file, position_);
    }
    return done ? Result<bool>(!shipment.records.empty()) : done.error();
  }

  void NoteProblem(const std::string& problem) {
    std::string before;
    {
      const std::lock_guard lock(mutex_);
      before = std::exchange(problem_, problem);
    }
    if (before.empty() == problem.empty()) {
      return;
    }
    if (problem.empty()) {
      log_.Warning("audit export: records can be sent again",
                   {{"receiver", progress_->receiver()}});
    } else {
      log_.Error("audit export: records cannot be sent; they wait in the audit directory",
                 {{"receiver", progress_->receiver()}, {"error", problem}});
    }
  }

  // Once it shall stop, it goes on only while it succeeds and has time.
  bool MayGoOn() {
    const std::lock_guard lock(mutex_);
    return Steady::now() < stop_at_;
  }

  // False when it shall stop.
  bool WaitFor(std::chrono::milliseconds wait, bool failed) {
    std::unique_lock lock(mutex_);
    const auto stopping = [this] { return stop_at_ != Deadline::max(); };
    if (stopping()) {
      return !failed && source_.last_durable() > position_ && Steady::now() < stop_at_;
    }
    wake_.wait_for(lock, wait, stopping);
    return !stopping() || (!failed && Steady::now() < stop_at_);
  }

  const ExporterOptions options_;
  const std::unique_ptr<RecordReceiver> receiver_;
  const AuditSource source_;
  const std::shared_ptr<audit::ExportProgress> progress_;
  log::Logger& log_;
  RecordReader reader_;  // Used only by the thread, as the next three.
  std::uint64_t position_ = 0;
  Steady::time_point head_due_;
  Steady::time_point position_due_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::string problem_;
  Deadline stop_at_ = Deadline::max();

  std::thread thread_;
};

RecordExporter::RecordExporter(ExporterOptions options,
                               std::unique_ptr<RecordReceiver> receiver,
                               AuditSource source,
                               std::shared_ptr<audit::ExportProgress> progress,
                               log::Logger& log)
    : impl_(std::make_unique<Impl>(
          std::move(options), std::move(receiver), std::move(source), std::move(progress), log)) {}

RecordExporter::~RecordExporter() {
  impl_->Stop(Steady::now());
}

Result<Done> RecordExporter::Start() {
  return impl_->Start();
}

void RecordExporter::Stop(Deadline deadline) {
  impl_->Stop(deadline);
}

ExporterStatus RecordExporter::Status() const {
  return impl_->Status();
}

}  // namespace connector::broker::audit_export
