#include "broker/audit/chain_writer.h"

#include "broker/audit/head_file.h"
#include "broker/audit/own_records.h"
#include "common/log/log.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <system_error>
#include <utility>

namespace connector::broker::audit {
namespace {

constexpr int kMaxAttempts = 3;  // With a new file each, while somebody removes them.

Error SystemError(const std::string& path, int code) {
  return MakeError(ErrorCode::kUnavailable,
                   ErrorOrigin::kSelf,
                   path + ": " + std::generic_category().message(code),
                   Retry::kSafe);
}

Result<std::uint64_t> SizeOf(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    return SystemError(path, errno);
  }
  return static_cast<std::uint64_t>(info.st_size);
}

Result<std::string> ReadTail(const std::string& path, std::uint64_t offset) {
  std::ifstream in(path, std::ios::binary);
  in.seekg(static_cast<std::streamoff>(offset));
  std::string bytes{std::istreambuf_iterator<char>(in), {}};
  if (in.bad()) {
    return SystemError(path, EIO);
  }
  return bytes;
}

std::string Range(std::uint64_t first, std::uint64_t last) {
  return first == last ? "record " + std::to_string(first)
                       : "records " + std::to_string(first) + " to " + std::to_string(last);
}

}  // namespace

ChainWriter::ChainWriter(ChainWriterOptions options, std::unique_ptr<AuditDirectory> directory)
    : options_(std::move(options)), directory_(std::move(directory)) {}

Result<std::unique_ptr<ChainWriter>> ChainWriter::Open(ChainWriterOptions options) {
  auto directory = AuditDirectory::Open(options.directory);
  if (!directory) {
    return directory.error();
  }
  std::unique_ptr<ChainWriter> writer(new ChainWriter(std::move(options), std::move(*directory)));
  std::optional<auditlog::Head> head;
  if (!writer->options_.head_file.empty()) {
    auto found = auditlog::ReadHeadFile(writer->options_.head_file, *writer->options_.keys);
    if (!found) {
      return found.error();
    }
    head = std::move(*found);
  }
  Result<Done> opened = writer->Continue(head);
  if (opened) {
    opened = writer->KeepHead();
  }
  if (!opened) {
    return opened.error();
  }
  return writer;
}

// Finds the newest file with a record, verifies it, and continues after its last record.
Result<Done> ChainWriter::Continue(const std::optional<auditlog::Head>& head) {
  const auto paths = auditlog::ListAuditFiles(options_.directory);
  if (!paths) {
    return paths.error();
  }
  auto newest = paths->rbegin();
  std::optional<auditlog::Link> first;
  for (; newest != paths->rend() && !first; ++newest) {
    auto found = auditlog::FirstRecord(*newest, *options_.keys);
    if (!found) {
      return found.error();
    }
    first = std::move(*found);
  }
  position_ = first ? first->before : auditlog::ChainPosition{};
  const bool known = head && head->proven;
  const auditlog::VerifyOptions verify{*options_.keys, known ? &head->position : nullptr};
  std::string last_key;
  for (auto path = newest.base(); path != paths->end(); ++path) {
    const bool last = &*path == &paths->back();
    const auto report = auditlog::VerifyFile(*path, position_, last, verify);
    if (!report) {
      return report.error();
    }
    position_ = report->last;
    last_key = report->records == 0 ? last_key : report->last_key;
    const Result<Done> opened =
        last ? OpenLast(*path, *report, first ? first->time : options_.clock->Now()) : Done{};
    if (!opened) {
      return opened.error();
    }
  }
  if (known && head->position.seq == position_.seq && head->position.hash != position_.hash) {
    return MakeError(ErrorCode::kInvalidArgument,
                     ErrorOrigin::kSelf,
                     options_.head_file + " names another record " + std::to_string(position_.seq) +
                         " than stands in " + options_.directory +
                         ": the chain was replaced, or the file is of another chain");
  }
  NoteKey(last_key, head);
  CompareWithHead(head);
  return Done{};
}

Result<Done> ChainWriter::OpenLast(const std::string& path,
                                   const auditlog::VerificationReport& report,
                                   WallTime started) {
  if (report.torn_tail) {
    Result<Done> cut = CutTornTail(path, report.torn_tail_bytes);
    if (!cut) {
      return cut;
    }
  }
  const Result<std::uint64_t> size = SizeOf(path);
  auto file = options_.open_file(path);
  if (!size || !file) {
    return size ? file.error() : size.error();
  }
  good_size_ = *size;
  file_ = std::move(*file);
  first_seq_ = report.first.seq + 1;
  file_started_ = report.records > 0 ? started : options_.clock->Now();
  return Done{};
}

// Whoever can write the volume can put records there that no key, or one that is not known, made.
// The chain goes on, because that is what an upgrade and a new root key look like, and says so.
void ChainWriter::NoteKey(const std::string& last_key, const std::optional<auditlog::Head>& head) {
  std::string what;
  if (position_.seq > 0 && last_key != key_id()) {
    what = last_key.empty() ? Range(1, position_.seq) + " have no key, as version 0.1.0 wrote them"
                            : Range(position_.seq, position_.seq) + " has key " + last_key +
                                  ", and this broker " + key_id() +
                                  (auditlog::FindKey(*options_.keys, last_key) == nullptr
                                       ? ": its hash was not checked"
                                       : ", and still has the one before: its hash was checked");
  }
  if (head && !head->proven) {
    what += std::string(what.empty() ? "" : "; ") + options_.head_file + " has key " +
            head->key_id + " and was not checked: it named record " +
            std::to_string(head->position.seq);
  }
  if (!what.empty()) {
    options_.log->Warning("audit: the chain goes on with a new key", {{"detail", what}});
    own_records_.push_back(KeyChangedRecord(options_.clock->Now(), std::move(what)));
  }
}

void ChainWriter::CompareWithHead(const std::optional<auditlog::Head>& head) {
  if (!head && position_.seq > 0 && !options_.head_file.empty()) {
    options_.log->Warning(
        "audit: no head file; records that were cut off the end would not be noticed this once",
        {{"head_file", options_.head_file}, {"last_record", position_.seq}});
  }
  if (!head && position_.seq == 0) {
    options_.log->Warning("audit: a new chain begins; nothing is known of records before",
                          {{"directory", options_.directory}});
  }
  if (!head || !head->proven || head->position.seq <= position_.seq) {
    return;
  }
  const std::uint64_t first = position_.seq + 1;
  position_ = head->position;
  file_.reset();
  good_size_ = 0;
  dirty_ = false;
  NoteLoss("missing in " + options_.directory + ": " + Range(first, position_.seq) + "; " +
           options_.head_file + " says that record " + std::to_string(position_.seq) +
           " was on disk");
}

// Where nobody asked for a head file, a place that cannot be written is a reason to warn.
Result<Done> ChainWriter::KeepHead() {
  Result<Done> written = WriteHead();
  if (written || options_.needs_head_file) {
    return written;
  }
  options_.log->Warning(
      "audit: no head is kept, so a restart cannot notice that records are missing; set "
      "audit.headFile to a place that can be written",
      {{"error", written.error().message}});
  options_.head_file.clear();
  return Done{};
}

Result<Done> ChainWriter::WriteHead() {
  if (options_.head_file.empty() || written_head_ == position_) {
    return Done{};
  }
  Result<Done> written = WriteHeadFile(options_.head_file, auditlog::FormatHead(position_, key()));
  if (written) {
    written_head_ = position_;
  }
  return written;
}

Result<Done> ChainWriter::CutTornTail(const std::string& path, std::uint64_t bytes) {
  const Result<std::uint64_t> size = SizeOf(path);
  if (!size) {
    return size.error();
  }
  const std::uint64_t good = *size - bytes;
  const Result<std::string> tail = ReadTail(path, good);
  const std::string aside = path + "." + std::to_string(good) + ".torn";
  auto copy = OpenRealFile(aside);
  auto file = options_.open_file(path);
  if (!tail || !copy || !file) {
    return !tail ? tail.error() : !copy ? copy.error() : file.error();
  }
  // The copy is on disk before the original is truncated.
  for (const Result<Done>& step :
       {(*copy)->Truncate(0), (*copy)->Write(*tail), (*copy)->Sync(), directory_->Sync()}) {
    if (!step) {
      return step.error();
    }
  }
  for (const Result<Done>& step : {(*file)->Truncate(good), (*file)->Sync()}) {
    if (!step) {
      return step.error();
    }
  }
  options_.log->Warning("audit: moved an incomplete last line aside",
                        {{"file", path}, {"bytes", bytes}, {"copy", aside}});
  return Done{};
}

// Opens a file in `file_` whose last good record is its end, so that the next one can follow.
Result<Done> ChainWriter::PrepareFile(WallTime now) {
  if (file_ && dirty_) {
    const Result<Done> cut = file_->Truncate(good_size_);
    if (!cut) {
      return cut.error();
    }
    dirty_ = false;
  }
  const bool full = good_size_ >= options_.max_file_bytes;
  if (file_ && (good_size_ == 0 || (!full && now - file_started_ < options_.max_file_age))) {
    return Done{};
  }
  if (!directory_->IsInPlace()) {
    auto directory = AuditDirectory::Open(options_.directory);
    if (!directory) {
      return directory.error();
    }
    directory_ = std::move(*directory);
  }
  const std::string path = options_.directory + "/" + auditlog::AuditFileName(position_.seq + 1);
  auto file = options_.open_file(path);
  if (!file) {
    return file.error();
  }
  // A record is durable only when its file's name is on disk too.
  const Result<Done> synced = directory_->Sync();
  if (!synced) {
    return synced.error();
  }
  file_ = std::move(*file);
  first_seq_ = position_.seq + 1;
  good_size_ = 0;
  dirty_ = true;  // An attempt that failed half-way may have left bytes under this name.
  file_started_ = now;
  const Result<Done> cut = file_->Truncate(0);
  dirty_ = !cut.has_value();
  return cut;
}

Result<Done> ChainWriter::Append(const std::vector<auditlog::Event>& events) {
  std::string difference;
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    const Result<Done> prepared = PrepareFile(options_.clock->Now());
    if (!prepared) {
      return prepared.error();
    }
    auditlog::ChainPosition position = position_;
    std::string batch;
    const auto format = [&](const auditlog::Event& event) {
      batch += auditlog::FormatRecord(event, position, key(), options_.replica);
    };
    std::for_each(own_records_.begin(), own_records_.end(), format);
    std::for_each(events.begin(), events.end(), format);
    Result<Done> durable = WriteBatch(batch);
    if (!durable) {
      return durable;
    }
    // Before anybody is told that the records are on disk: a file without a name is not.
    difference = file_->Difference(good_size_ + batch.size());
    if (difference.empty()) {
      good_size_ += batch.size();
      position_ = std::move(position);
      own_records_.clear();
      return Done{};
    }
    Abandon(difference);
  }
  return MakeError(ErrorCode::kUnavailable, ErrorOrigin::kSelf, difference, Retry::kSafe);
}

Result<Done> ChainWriter::WriteBatch(std::string_view batch) {
  dirty_ = true;
  Result<Done> durable = file_->Write(batch);
  if (durable) {
    durable = file_->Sync();
  }
  // When taking it back fails too, the next batch retries that first.
  dirty_ = !durable && !file_->Truncate(good_size_).has_value();
  return durable;
}

void ChainWriter::UseKeys(std::shared_ptr<const auditlog::ChainKeys> keys) {
  const std::string before = key_id();
  options_.keys = std::move(keys);
  if (key_id() == before) {
    return;
  }
  written_head_.reset();  // It is to be written again, with the new key.
  std::string what = "records up to " + std::to_string(position_.seq) + " have key " + before +
                     ", and those from here on " + key_id() + ": the root key was replaced";
  options_.log->Info("audit: the chain goes on with a new key", {{"detail", what}});
  own_records_.push_back(KeyChangedRecord(options_.clock->Now(), std::move(what)));
}

void ChainWriter::Look() {
  // What stands behind a failed batch is not known.
  if (file_ && !dirty_) {
    const std::string difference = file_->Difference(good_size_);
    if (!difference.empty()) {
      Abandon(difference);
    }
  }
  if (!options_.head_file.empty() && ::access(options_.head_file.c_str(), F_OK) != 0) {
    written_head_.reset();
  }
}

Result<Done> ChainWriter::RemoveOld(const RetentionRule& rule, std::uint64_t exported_through) {
  if (!file_ || rule == RetentionRule{}) {
    return Done{};
  }
  const WallTime now = options_.clock->Now();
  std::vector<ClosedAuditFile> closed = ListClosedFiles(options_.directory, first_seq_);
  closed.resize(CountToRemove(
      closed, rule, {now, good_size_, LookAtVolume(options_.directory), exported_through}));
  if (closed.empty()) {
    return Done{};
  }
  const std::string what =
      Range(closed.front().first_seq, closed.back().last_seq) + " are removed by audit.retention";
  // First the record: what is gone without one was not removed by the broker.
  Result<Done> recorded = Append({RemovedRecord(now, what)});
  for (const ClosedAuditFile& file : closed) {
    if (recorded && ::unlink(file.path.c_str()) != 0) {
      recorded = SystemError(file.path, errno);
    }
  }
  if (recorded) {
    options_.log->Info("audit: removed old files", {{"detail", what}, {"files", closed.size()}});
  }
  return recorded;
}

// Leaves the file as it is, for whoever looks into it; the next record begins another.
void ChainWriter::Abandon(const std::string& difference) {
  if (good_size_ > 0) {
    NoteLoss(difference + "; " + Range(first_seq_, position_.seq) + " stood there");
  }
  file_.reset();
  good_size_ = 0;
  dirty_ = false;
}

void ChainWriter::NoteLoss(const std::string& what) {
  ++losses_.count;
  losses_.last = what;
  options_.log->Error("audit: records were lost", {{"detail", what}});
  own_records_.push_back(LostRecord(options_.clock->Now(), what));
}

}  // namespace connector::broker::audit
