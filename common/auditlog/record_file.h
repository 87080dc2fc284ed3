#pragma once

// RecordFile: the lines of one audit file, which may grow while it is read.

#include "common/base/result.h"

#include <cstddef>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace connector::auditlog {

inline constexpr std::size_t kMaxRecordBytes = 64 * 1024;  // A longer line is no record.

struct RecordLine {
  std::string text;  // Without its end.
  bool whole = false;
};

class RecordFile {
 public:
  // Errors of both: kUnavailable, with the path and the system's reason.
  [[nodiscard]] static Result<RecordFile> Open(const std::string& path);

  // The next line, none at the end of the file. A longer one than kMaxRecordBytes comes cut there,
  // so that no file can take all memory.
  [[nodiscard]] Result<std::optional<RecordLine>> ReadLine();
  // The same, but leaves a line that is not whole to be read again; none then, too.
  [[nodiscard]] Result<std::optional<RecordLine>> ReadWholeLine();

 private:
  struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  RecordFile(std::FILE* file, std::string path) : file_(file), path_(std::move(path)) {}

  std::unique_ptr<std::FILE, CloseFile> file_;
  std::string path_;
};

}  // namespace connector::auditlog
