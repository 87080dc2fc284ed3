#include "broker/audit/chain_writer.h"

#include "common/auditlog/verify_directory.h"
#include "common/log/log.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <optional>
#include <system_error>
#include <utility>

namespace connector::broker::audit {
namespace {

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

}  // namespace

ChainWriter::ChainWriter(ChainWriterOptions options, int directory_fd)
    : options_(std::move(options)), directory_fd_(directory_fd) {}

ChainWriter::~ChainWriter() {
  ::close(directory_fd_);  // Also drops the lock.
}

Result<std::unique_ptr<ChainWriter>> ChainWriter::Open(ChainWriterOptions options) {
  const std::string& directory = options.directory;
  if (::mkdir(directory.c_str(), S_IRWXU) != 0 && errno != EEXIST) {
    return SystemError(directory, errno);
  }
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) {
    return SystemError(directory, errno);
  }
  std::unique_ptr<ChainWriter> writer(new ChainWriter(std::move(options), fd));
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    return MakeError(ErrorCode::kUnavailable,
                     ErrorOrigin::kSelf,
                     writer->options_.directory + ": another broker writes here");
  }
  const Result<Done> continued = writer->Continue();
  if (!continued) {
    return continued.error();
  }
  return writer;
}

// Finds the newest file with a record, verifies it, and continues after its last record.
Result<Done> ChainWriter::Continue() {
  const auto paths = auditlog::ListAuditFiles(options_.directory);
  if (!paths) {
    return paths.error();
  }
  auto newest = paths->rbegin();
  std::optional<auditlog::Link> first;
  for (; newest != paths->rend() && !first; ++newest) {
    auto found = auditlog::FirstRecord(*newest);
    if (!found) {
      return found.error();
    }
    first = std::move(*found);
  }
  auditlog::ChainPosition position = first ? first->before : auditlog::ChainPosition{};
  for (auto path = newest.base(); path != paths->end(); ++path) {
    const auto report = auditlog::VerifyFile(*path, position, &*path == &paths->back());
    if (!report) {
      return report.error();
    }
    position = report->last;
    if (&*path != &paths->back()) {
      continue;
    }
    if (report->torn_tail) {
      const Result<Done> cut = CutTornTail(*path, report->torn_tail_bytes);
      if (!cut) {
        return cut.error();
      }
    }
    const Result<std::uint64_t> size = SizeOf(*path);
    auto file = options_.open_file(*path);
    if (!size || !file) {
      return size ? file.error() : size.error();
    }
    good_size_ = *size;
    file_ = std::move(*file);
    file_started_ = report->records > 0 && first ? first->time : options_.clock->Now();
  }
  position_ = std::move(position);
  return Done{};
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
       {(*copy)->Truncate(0), (*copy)->Write(*tail), (*copy)->Sync(), SyncDirectory()}) {
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

Result<Done> ChainWriter::SyncDirectory() {
  return ::fsync(directory_fd_) == 0 ? Result<Done>(Done{})
                                     : SystemError(options_.directory, errno);
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
  if (file_ && (good_size_ == 0 || now - file_started_ < options_.max_file_age)) {
    return Done{};
  }
  const std::string path = options_.directory + "/" + auditlog::AuditFileName(position_.seq + 1);
  auto file = options_.open_file(path);
  if (!file) {
    return file.error();
  }
  // A record is durable only when its file's name is on disk too.
  const Result<Done> synced = SyncDirectory();
  if (!synced) {
    return synced.error();
  }
  file_ = std::move(*file);
  good_size_ = 0;
  dirty_ = true;  // An attempt that failed half-way may have left bytes under this name.
  file_started_ = now;
  const Result<Done> cut = file_->Truncate(0);
  dirty_ = !cut.has_value();
  return cut;
}

Result<Done> ChainWriter::Append(const std::vector<auditlog::Event>& events) {
  const WallTime now = options_.clock->Now();
  const Result<Done> prepared = PrepareFile(now);
  if (!prepared) {
    return prepared.error();
  }
  auditlog::ChainPosition position = position_;
  std::string batch;
  for (const auditlog::Event& event : events) {
    batch += auditlog::FormatRecord(event, position, options_.replica);
  }
  dirty_ = true;
  Result<Done> durable = file_->Write(batch);
  if (durable) {
    durable = file_->Sync();
  }
  if (!durable) {
    // When this fails too, the next batch retries it first.
    dirty_ = !file_->Truncate(good_size_).has_value();
    return durable;
  }
  dirty_ = false;
  good_size_ += batch.size();
  position_ = std::move(position);
  return Done{};
}

}  // namespace connector::broker::audit
