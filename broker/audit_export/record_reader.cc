#include "broker/audit_export/record_reader.h"

#include "common/auditlog/verify_directory.h"

#include <algorithm>
#include <utility>

namespace connector::broker::audit_export {

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
    auto line = next_seq_ <= through ? file_->ReadWholeLine()
                                     : Result<std::optional<auditlog::RecordLine>>(std::nullopt);
    if (!line) {
      return line.error();
    }
    if (*line) {
      const std::uint64_t read = next_seq_++;
      if (read > seq) {
        bytes += (*line)->text.size();
        batch.lines.push_back(std::move((*line)->text));
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
  auto file = auditlog::RecordFile::Open(path);
  if (!file) {
    file_.reset();
    return file.error();
  }
  file_ = std::move(*file);
  path_ = path;
  next_seq_ = auditlog::FirstSeqOf(path).value_or(0);
  return Done{};
}

}  // namespace connector::broker::audit_export
