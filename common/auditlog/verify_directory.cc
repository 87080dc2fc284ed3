#include "common/auditlog/verify_directory.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>

namespace connector::auditlog {
namespace {

constexpr std::string_view kPrefix = "audit-";
constexpr std::string_view kSuffix = ".jsonl";
constexpr std::size_t kDigits = 20;

Error Unreadable(const std::string& path, int code) {
  return MakeError(ErrorCode::kUnavailable,
                   ErrorOrigin::kSelf,
                   path + ": " + std::generic_category().message(code));
}

Error Tampered(const std::string& path, std::uint64_t line, const std::string& what) {
  return MakeError(ErrorCode::kInvalidArgument,
                   ErrorOrigin::kSelf,
                   path + ":" + std::to_string(line) + ": " + what);
}

std::string NameOf(const std::string& path) {
  return std::filesystem::path(path).filename().string();
}

std::optional<std::uint64_t> FirstSeq(std::string_view name) {
  if (name.size() != kPrefix.size() + kDigits + kSuffix.size() || !name.starts_with(kPrefix) ||
      !name.ends_with(kSuffix)) {
    return std::nullopt;
  }
  const std::string_view digits = name.substr(kPrefix.size(), kDigits);
  std::uint64_t seq = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + kDigits, seq);
  if (error != std::errc() || end != digits.data() + kDigits || seq == 0) {
    return std::nullopt;
  }
  return seq;
}

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

struct Line {
  std::string text;  // Without its end.
  bool whole = false;
};

// The next line, none at the end of the file. Longer ones than kMaxRecordBytes come cut there, so
// that no file can take all memory.
Result<std::optional<Line>> ReadLine(std::FILE* file, const std::string& path) {
  Line line;
  for (int c = std::getc(file); c != EOF; c = std::getc(file)) {
    if (c == '\n') {
      line.whole = true;
      return std::optional(std::move(line));
    }
    line.text.push_back(static_cast<char>(c));
    if (line.text.size() > kMaxRecordBytes) {
      return std::optional(std::move(line));
    }
  }
  if (std::ferror(file) != 0) {
    return Unreadable(path, errno);
  }
  return line.text.empty() ? std::optional<Line>() : std::optional(std::move(line));
}

}  // namespace

std::string AuditFileName(std::uint64_t first_seq) {
  std::string digits = std::to_string(first_seq);
  digits.insert(0, kDigits - digits.size(), '0');
  return std::string(kPrefix) + digits + std::string(kSuffix);
}

Result<std::vector<std::string>> ListAuditFiles(const std::string& directory) {
  std::error_code error;
  std::filesystem::directory_iterator it(directory, error);
  std::vector<std::string> paths;
  for (; !error && it != std::filesystem::directory_iterator(); it.increment(error)) {
    if (FirstSeq(it->path().filename().string())) {
      paths.push_back(it->path().string());
    }
  }
  if (error) {
    return Unreadable(directory, error.value());
  }
  std::sort(paths.begin(), paths.end());  // Names have a fixed width, so this is by seq.
  return paths;
}

Result<VerificationReport> VerifyFile(const std::string& path,
                                      const ChainPosition& position,
                                      bool may_be_torn) {
  const File file(std::fopen(path.c_str(), "re"));
  if (!file) {
    return Unreadable(path, errno);
  }
  VerificationReport report{.files = 1, .first = position, .last = position};
  if (FirstSeq(NameOf(path)) != position.seq + 1) {
    return Tampered(path, 1, "its name says another seq than follows the file before");
  }
  while (true) {
    const Result<std::optional<Line>> line = ReadLine(file.get(), path);
    if (!line) {
      return line.error();
    }
    if (!line->has_value()) {
      return report;
    }
    if (!(*line)->whole && may_be_torn && (*line)->text.size() <= kMaxRecordBytes) {
      report.torn_tail = true;
      report.torn_tail_bytes = (*line)->text.size();
      return report;
    }
    if (!(*line)->whole) {
      return Tampered(path, report.records + 1, "the line has no end, or is too long");
    }
    const Result<Link> verified = FollowRecord((*line)->text, report.last);
    if (!verified) {
      return Tampered(path, report.records + 1, verified.error().message);
    }
    if (!verified->replica.empty() && report.replicas.size() < kMaxReplicas) {
      report.replicas.insert(verified->replica);
    }
    ++report.records;
  }
}

Result<std::optional<Link>> FirstRecord(const std::string& path) {
  const File file(std::fopen(path.c_str(), "re"));
  if (!file) {
    return Unreadable(path, errno);
  }
  const Result<std::optional<Line>> line = ReadLine(file.get(), path);
  if (!line) {
    return line.error();
  }
  if (!line->has_value() || !(*line)->whole) {
    return std::optional<Link>();
  }
  Result<Link> link = ReadLink((*line)->text);
  if (!link) {
    return Tampered(path, 1, link.error().message);
  }
  return std::optional(std::move(*link));
}

Result<VerificationReport> VerifyDirectory(const std::string& directory) {
  const Result<std::vector<std::string>> paths = ListAuditFiles(directory);
  if (!paths) {
    return paths.error();
  }
  VerificationReport total;
  if (paths->empty()) {
    return total;
  }
  const Result<std::optional<Link>> start = FirstRecord(paths->front());
  if (!start) {
    return start.error();
  }
  if (start->has_value()) {
    total.first = (*start)->before;
    total.last = total.first;
  }
  if (total.first.seq == 0 && total.first.hash != kGenesisHash) {
    return Tampered(paths->front(), 1, "prev of the first record of all is not 64 zeros");
  }
  for (const std::string& path : *paths) {
    const Result<VerificationReport> file = VerifyFile(path, total.last, path == paths->back());
    if (!file) {
      return file.error();
    }
    ++total.files;
    total.records += file->records;
    total.replicas.insert(file->replicas.begin(), file->replicas.end());
    total.last = file->last;
    total.torn_tail = file->torn_tail;
    total.torn_tail_bytes = file->torn_tail_bytes;
  }
  return total;
}

}  // namespace connector::auditlog
