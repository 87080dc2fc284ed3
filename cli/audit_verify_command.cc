#include "cli/commands.h"
#include "common/auditlog/verify_directory.h"

#include <ostream>

namespace connector::cli {
namespace {

int RunAuditVerify(const CommandArguments& arguments, const Console& console) {
  const std::string& directory = arguments.positionals()[0];
  const Result<auditlog::VerificationReport> report = auditlog::VerifyDirectory(directory);
  if (!report) {
    // kUnavailable: nothing is known about the chain, because it could not be read.
    const bool broken = report.error().code == ErrorCode::kInvalidArgument;
    return Fail(console, broken ? kExitFailed : kExitUsage, report.error().message);
  }
  // Nothing was verified, and whoever deletes every file must not be told that all is well.
  if (report->records == 0) {
    return Fail(console, kExitFailed, directory + " holds no audit records");
  }
  console.out << "records: " << report->records << " in " << report->files
              << (report->files == 1 ? " file\n" : " files\n")
              << "first:   " << report->first.seq + 1
              << (report->first.seq == 0 ? "\n" : " (older files are not here)\n")
              << "last:    " << report->last.seq << " " << report->last.hash << "\n";
  for (const std::string& replica : report->replicas) {
    console.out << "broker:  " << replica << "\n";
  }
  if (report->torn_tail) {
    console.out << "tail:    " << report->torn_tail_bytes
                << " bytes of a record that was not finished and so never answered\n";
  }
  console.out << "the chain holds\n";
  return kExitOk;
}

constexpr std::string_view kAuditVerifyDetails =
    R"(Checks every record's hash, number and link to the record before, over all files of DIR. A
changed, removed, inserted or reordered record breaks the chain. Records cut off the end do not:
compare the last hash with the one of an earlier run or of a copy kept elsewhere.

Exit codes: 0 the chain holds; 1 it does not (file, line and reason are printed), or
there is no record; 2 wrong usage or DIR cannot be read.

Example:
  connectorctl audit verify /var/lib/oci-connector/audit
)";

}  // namespace

Command AuditVerifyCommand() {
  return {{.name = "audit verify",
           .summary = "Check the audit chain of a directory.",
           .positionals = "DIR",
           .min_positionals = 1,
           .max_positionals = 1,
           .details = kAuditVerifyDetails},
          RunAuditVerify};
}

}  // namespace connector::cli
