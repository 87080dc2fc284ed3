#include "common/auditlog/record_file.h"

#include <cerrno>
#include <cstring>

namespace connector::auditlog {
namespace {

Error FileError(const std::string& path, int code) {
  return MakeError(ErrorCode::kUnavailable, ErrorOrigin::kSelf, path + ": " + std::strerror(code));
}

}  // namespace

Result<RecordFile> RecordFile::Open(const std::string& path) {
  std::FILE* const file = std::fopen(path.c_str(), "re");
  if (file == nullptr) {
    return FileError(path, errno);
  }
  return RecordFile(file, path);
}

Result<std::optional<RecordLine>> RecordFile::ReadLine() {
  RecordLine line;
  for (int c = std::getc(file_.get()); c != EOF; c = std::getc(file_.get())) {
    if (c == '\n') {
      line.whole = true;
      return std::optional(std::move(line));
    }
    line.text.push_back(static_cast<char>(c));
    if (line.text.size() > kMaxRecordBytes) {
      return std::optional(std::move(line));
    }
  }
  if (std::ferror(file_.get()) != 0) {
    return FileError(path_, errno);
  }
  return line.text.empty() ? std::optional<RecordLine>() : std::optional(std::move(line));
}

Result<std::optional<RecordLine>> RecordFile::ReadWholeLine() {
  const long start = std::ftell(file_.get());
  Result<std::optional<RecordLine>> line = ReadLine();
  if (line && !(*line && (*line)->whole)) {
    std::fseek(file_.get(), start, SEEK_SET);  // Forgets the end of the file, too.
    return std::optional<RecordLine>();
  }
  return line;
}

}  // namespace connector::auditlog
