#include "broker/audit_export/record_reader.h"

#include "common/auditlog/verify_directory.h"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace connector::broker::audit_export {
namespace {

Error Unreadable(const std::string& path) {
  return MakeError(ErrorCode::kUnavailable,
                   ErrorOrigin::kSelf,
                   path + ": " + std::generic_category().message(errno),
                   Retry::kSafe);
}

}  // namespace

Result<RecordBatch> RecordReader::Read(std::uint64_t seq, std::uint64_t through) {
  RecordBatch batch{.last_seq = seq};
  std::size_t bytes = 0;
  if (!file_ || next_seq_ > seq + 1) {
    const Result<Done> opened = OpenFor(seq + 1);
    if (!opened) {
      return opened.error();
    }
  }
  while (file_ && batch.last_seq < through && batch.lines.size() < kMaxBatchRecords &&
         bytes < kMaxBatchBytes) {
    std::string line;
    if (next_seq_ <= through && ReadLine(line)) {
      const std::uint64_t read = next_seq_++;
      if (read > seq) {
        bytes += line.size();
        batch.lines.push_back(std::move(line));
        batch.last_seq = read;
      }
      continue;
    }
    const Result<bool> advanced = OpenNext();
    if (!advanced) {
      return advanced.error();
    }
    if (!*advanced) {
      break;
    }
  }
  return batch;
}

// The file that holds record `seq`, or else the first one behind it.
Result<Done> RecordReader::OpenFor(std::uint64_t seq) {
  const auto paths = auditlog::ListAuditFiles(directory_);
  if (!paths) {
    return paths.error();
  }
  std::string found;
  for (const std::string& path : *paths) {
    if (!found.empty() && auditlog::FirstSeqOf(path).value_or(0) > seq) {
      break;
    }
    found = path;
  }
  file_.reset();
  return found.empty() ? Result<Done>(Done{}) : Open(found);
}

Result<bool> RecordReader::OpenNext() {
  const auto paths = auditlog::ListAuditFiles(directory_);
  if (!paths) {
    return paths.error();
  }
  const auto next = std::upper_bound(paths->begin(), paths->end(), path_);
  if (next == paths->end()) {
    return false;
  }
  const Result<Done> opened = Open(*next);
  return opened ? Result<bool>(true) : opened.error();
}

Result<Done> RecordReader::Open(const std::string& path) {
  file_.reset(std::fopen(path.c_str(), "re"));
  path_ = path;
  next_seq_ = auditlog::FirstSeqOf(path).value_or(0);
  return file_ ? Result<Done>(Done{}) : Unreadable(path);
}

// False at the end of what is whole.
bool RecordReader::ReadLine(std::string& line) {
  const long start = std::ftell(file_.get());
  for (int c = std::getc(file_.get()); c != EOF; c = std::getc(file_.get())) {
    if (c == '\n') {
      return true;
    }
    line.push_back(static_cast<char>(c));
  }
  std::fseek(file_.get(), start, SEEK_SET);
  std::clearerr(file_.get());
  return false;
}

}  // namespace connector::broker::audit_export
