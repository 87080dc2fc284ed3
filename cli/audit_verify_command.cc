#include "cli/commands.h"
#include "cli/files.h"
#include "common/auditlog/chain_head.h"
#include "common/auditlog/verify_directory.h"

#include <charconv>
#include <optional>
#include <ostream>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace connector::cli {
namespace {

std::optional<std::uint64_t> ParseSeq(std::string_view text) {
  std::uint64_t seq = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seq);
  return error == std::errc() && end == text.data() + text.size() && seq > 0 ? std::optional(seq)
                                                                             : std::nullopt;
}

Result<auditlog::ChainKeys> ReadKeys(const std::vector<std::string>& files) {
  auditlog::ChainKeys keys;
  for (const std::string& file : files) {
    const Result<Secret> root_key = ReadSecretFile(file);
    if (!root_key) {
      return root_key.error();
    }
    if (root_key->Reveal().size() < auditlog::kMinRootKeyBytes) {
      return MakeError(ErrorCode::kInvalidArgument,
                       ErrorOrigin::kClient,
                       file + ": holds fewer than 32 bytes; name the broker's rootKeyFile");
    }
    keys.emplace_back(*root_key);
  }
  return keys;
}

std::string Joined(const std::set<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    text += (text.empty() ? "" : ", ") + name;
  }
  return text;
}

void Print(const auditlog::VerificationReport& report, const Console& console) {
  console.out << "records: " << report.records << " in " << report.files
              << (report.files == 1 ? " file\n" : " files\n") << "first:   " << report.first.seq + 1
              << (report.first.seq == 0 ? "\n" : " (older files are not here)\n")
              << "last:    " << report.last.seq << " " << report.last.hash << "\n";
  for (const std::string& replica : report.replicas) {
    console.out << "broker:  " << replica << "\n";
  }
  for (const std::string& key : report.keys) {
    console.out << "key:     " << key << "\n";
  }
  if (report.torn_tail) {
    console.out << "tail:    " << report.torn_tail_bytes
                << " bytes of a record that was not finished and so never answered\n";
  }
}

struct Judgement {
  ExitCode code = kExitOk;
  std::string why = {};
};

Judgement JudgeHead(const auditlog::VerificationReport& report, const auditlog::Head& head) {
  if (head.position.seq > report.last.seq) {
    return {kExitFailed,
            "records " + std::to_string(report.last.seq + 1) + " to " +
                std::to_string(head.position.seq) +
                " are missing: the head says that they were on disk"};
  }
  return {};
}

// The first reason not to call the chain proven.
Judgement Judge(const auditlog::VerificationReport& report,
                std::uint64_t accepted_unkeyed,
                const std::optional<auditlog::Head>& head) {
  const Judgement of_head = head ? JudgeHead(report, *head) : Judgement{};
  if (of_head.code != kExitOk) {
    return of_head;
  }
  if (report.losses > 0) {
    return {kExitFailed, "the chain itself says that records were lost; " + report.first_loss};
  }
  if (report.unkeyed_through > accepted_unkeyed) {
    return {
        kExitFailed,
        "records up to " + std::to_string(report.unkeyed_through) +
            " have no key: anybody who could write the volume can have made them. Version 0.1.0 "
            "wrote such records; if the broker was upgraded behind that one (its log says so), "
            "say --unkeyed-through " +
            std::to_string(report.unkeyed_through)};
  }
  if (!report.unknown_keys.empty()) {
    return {kExitUsage,
            "not proven: the hashes of records with key " + Joined(report.unknown_keys) +
                " cannot be checked without it. Numbers and links hold, but whoever can write the "
                "volume can make those anew; name the root key with --root-key-file"};
  }
  return {};
}

void PrintVerdict(const auditlog::VerificationReport& report,
                  const std::string& head_file,
                  const std::optional<auditlog::Head>& head,
                  const Console& console) {
  if (head && report.met_head) {
    console.out << "head:    " << head->position.seq << ", as " << head_file << " says\n";
  } else if (head) {
    console.out << "head:    " << head->position.seq << " of " << head_file
                << " stands in an older file, which is not here\n";
  } else {
    console.out << "head:    not known; whether records were cut off the end is not shown\n";
  }
  if (report.unkeyed_through > 0) {
    console.out << "unkeyed: up to " << report.unkeyed_through
                << "; these are as they were when the first keyed record was written, and not "
                   "proven before\n";
  }
  console.out << "the chain holds\n";
}

int RunAuditVerify(const CommandArguments& arguments, const Console& console) {
  const std::string& directory = arguments.positionals()[0];
  const Result<auditlog::ChainKeys> keys = ReadKeys(arguments.Values("root-key-file"));
  if (!keys) {
    return Fail(console, kExitUsage, keys.error().message);
  }
  const std::optional<std::string> unkeyed = arguments.Value("unkeyed-through");
  const std::optional<std::uint64_t> accepted = ParseSeq(unkeyed.value_or("1"));
  if (!accepted) {
    return Fail(console, kExitUsage, "--unkeyed-through must be a record's number, from 1 on");
  }
  // Read before the records: the chain of a running broker is ahead of its head, never behind.
  const std::string head_file =
      arguments.ValueOr("head-file", auditlog::DefaultHeadFile(directory));
  const auto head = auditlog::ReadHeadFile(head_file, *keys);
  if (!head) {
    const bool forged = head.error().code == ErrorCode::kInvalidArgument;
    return Fail(console, forged ? kExitFailed : kExitUsage, head.error().message);
  }
  if (!*head && arguments.Has("head-file")) {
    return Fail(console, kExitUsage, head_file + ": no such file");
  }
  const Result<auditlog::VerificationReport> report =
      auditlog::VerifyDirectory(directory, {*keys, *head ? &(*head)->position : nullptr});
  if (!report) {
    // kUnavailable: nothing is known about the chain, because it could not be read.
    const bool broken = report.error().code == ErrorCode::kInvalidArgument;
    return Fail(console, broken ? kExitFailed : kExitUsage, report.error().message);
  }
  // Nothing was verified, and whoever deletes every file must not be told that all is well.
  if (report->records == 0) {
    return Fail(console, kExitFailed, directory + " holds no audit records");
  }
  Print(*report, console);
  const Judgement judgement = Judge(*report, unkeyed ? *accepted : 0, *head);
  if (judgement.code != kExitOk) {
    return Fail(console, judgement.code, judgement.why);
  }
  PrintVerdict(*report, head_file, *head, console);
  return kExitOk;
}

constexpr std::string_view kAuditVerifyDetails =
    R"(Checks every record's hash, number and link to the record before, over all files of DIR.

What it proves, with the root key: since it was written by who holds that key, no record was
changed, removed from between others, inserted or reordered. With the head file also that none was
cut off the end, up to the head. What it does not: that the head file is not an old one (compare it
with the metric connector_broker_audit_head or the broker's log), or that who holds the root key
wrote the truth. Without the root key, numbers and links are checked and nothing is proven: exit
code 2. Records of version 0.1.0 have no key; they count only where --unkeyed-through names them.

Exit codes: 0 the chain holds; 1 it does not (file, line and reason are printed), records are
missing, or there is no record; 2 wrong usage, DIR cannot be read, or a key is not here.

Example:
  connectorctl audit verify /var/lib/oci-connector/audit --root-key-file root.key
)";

}  // namespace

Command AuditVerifyCommand() {
  return {{.name = "audit verify",
           .summary = "Check the audit chain of a directory.",
           .positionals = "DIR",
           .min_positionals = 1,
           .max_positionals = 1,
           .flags = {{.name = "root-key-file",
                      .value_name = "FILE",
                      .help = "The broker's rootKeyFile; again for those before it.",
                      .repeated = true},
                     {.name = "head-file",
                      .value_name = "FILE",
                      .help = "The broker's audit.headFile. Default: DIR.head if it is there."},
                     {.name = "unkeyed-through",
                      .value_name = "SEQ",
                      .help = "Accept records of 0.1.0, without a key, up to SEQ."}},
           .details = kAuditVerifyDetails},
          RunAuditVerify};
}

}  // namespace connector::cli
