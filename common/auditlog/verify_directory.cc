#include "common/auditlog/verify_directory.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <filesystem>
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

std::optional<std::uint64_t> FirstSeqOfName(std::string_view name) {
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

void Tell(std::set<std::string>& names, const std::string& name) {
  if (!name.empty() && names.size() < kMaxNames) {
    names.insert(name);
  }
}

void Note(const Link& link, VerificationReport& report) {
  Tell(report.replicas, link.replica);
  report.last_key = link.key_id;
  switch (link.proof) {
    case Proof::kKeyed:
      Tell(report.keys, link.key_id);
      break;
    case Proof::kUnknownKey:
      Tell(report.unknown_keys, link.key_id);
      break;
    case Proof::kUnkeyed:
      report.unkeyed_through = link.at.seq;
      break;
  }
  if (!link.loss.empty() && report.losses++ == 0) {
    report.first_loss = "record " + std::to_string(link.at.seq) + ": " + link.loss;
  }
}

void Add(const VerificationReport& file, VerificationReport& total) {
  ++total.files;
  total.records += file.records;
  total.last = file.last;
  total.last_key = file.records == 0 ? total.last_key : file.last_key;
  total.torn_tail = file.torn_tail;
  total.torn_tail_bytes = file.torn_tail_bytes;
  total.replicas.insert(file.replicas.begin(), file.replicas.end());
  total.keys.insert(file.keys.begin(), file.keys.end());
  total.unknown_keys.insert(file.unknown_keys.begin(), file.unknown_keys.end());
  total.unkeyed_through = std::max(total.unkeyed_through, file.unkeyed_through);
  total.first_loss = total.losses == 0 ? file.first_loss : total.first_loss;
  total.losses += file.losses;
  total.met_head = total.met_head || file.met_head;
}

bool IsAtHead(const ChainPosition& position, const VerifyOptions& options) {
  return options.head != nullptr && options.head->seq == position.seq;
}

bool MeetHead(VerificationReport& report, const VerifyOptions& options) {
  report.met_head = options.head->hash == report.last.hash;
  return report.met_head;
}

}  // namespace

std::string AuditFileName(std::uint64_t first_seq) {
  std::string digits = std::to_string(first_seq);
  digits.insert(0, kDigits - digits.size(), '0');
  return std::string(kPrefix) + digits + std::string(kSuffix);
}

std::optional<std::uint64_t> FirstSeqOf(const std::string& path) {
  return FirstSeqOfName(std::filesystem::path(path).filename().string());
}

Result<std::vector<std::string>> ListAuditFiles(const std::string& directory) {
  std::error_code error;
  std::filesystem::directory_iterator it(directory, error);
  std::vector<std::string> paths;
  for (; !error && it != std::filesystem::directory_iterator(); it.increment(error)) {
    if (FirstSeqOf(it->path().string())) {
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
                                      bool may_be_torn,
                                      const VerifyOptions& options) {
  Result<RecordFile> file = RecordFile::Open(path);
  if (!file) {
    return file.error();
  }
  VerificationReport report{.files = 1, .first = position, .last = position};
  if (FirstSeqOf(path) != position.seq + 1) {
    return Tampered(path,
                    1,
                    "its name says another seq than follows the file before: records are missing, "
                    "or a file is not of this chain");
  }
  while (true) {
    const Result<std::optional<RecordLine>> line = file->ReadLine();
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
    const Result<Link> verified = FollowRecord((*line)->text, report.last, options.keys);
    if (!verified) {
      return Tampered(path, report.records + 1, verified.error().message);
    }
    ++report.records;
    if (IsAtHead(report.last, options) && !MeetHead(report, options)) {
      return Tampered(path, report.records, "is not the record that the head names");
    }
    Note(*verified, report);
  }
}

Result<std::optional<Link>> FirstRecord(const std::string& path, const ChainKeys& keys) {
  Result<RecordFile> file = RecordFile::Open(path);
  if (!file) {
    return file.error();
  }
  const Result<std::optional<RecordLine>> line = file->ReadLine();
  if (!line) {
    return line.error();
  }
  if (!line->has_value() || !(*line)->whole) {
    return std::optional<Link>();
  }
  Result<Link> link = ReadLink((*line)->text, keys);
  if (!link) {
    return Tampered(path, 1, link.error().message);
  }
  return std::optional(std::move(*link));
}

Result<VerificationReport> VerifyDirectory(const std::string& directory,
                                           const VerifyOptions& options) {
  const Result<std::vector<std::string>> paths = ListAuditFiles(directory);
  if (!paths) {
    return paths.error();
  }
  VerificationReport total;
  if (paths->empty()) {
    return total;
  }
  const Result<std::optional<Link>> start = FirstRecord(paths->front(), options.keys);
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
  if (IsAtHead(total.first, options) && !MeetHead(total, options)) {
    return Tampered(paths->front(), 1, "prev is not the hash of the record that the head names");
  }
  for (const std::string& path : *paths) {
    const Result<VerificationReport> file =
        VerifyFile(path, total.last, path == paths->back(), options);
    if (!file) {
      return file.error();
    }
    Add(*file, total);
  }
  return total;
}

}  // namespace connector::auditlog
