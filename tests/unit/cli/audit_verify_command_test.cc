#include "common/auditlog/record.h"
#include "common/auditlog/verify_directory.h"
#include "tests/unit/cli/console_fixture.h"

#include <gmock/gmock.h>

namespace connector::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class AuditVerify : public InDirectory {
 protected:
  // Writes a file of two records that follow `position_`.
  std::string WriteTwo() {
    const std::string name = auditlog::AuditFileName(position_.seq + 1);
    auditlog::Event event;
    event.subject = "ci";
    const std::string first = auditlog::FormatRecord(event, position_);
    return Write(name, first + auditlog::FormatRecord(event, position_));
  }

  [[nodiscard]] Outcome Verify() const {
    return Connectorctl({"audit", "verify", directory_.path()});
  }

  auditlog::ChainPosition position_;
};

TEST_F(AuditVerify, PrintsRecordsAndTheLastHashOfAChainThatHolds) {
  WriteTwo();
  WriteTwo();
  const Outcome outcome = Verify();
  EXPECT_EQ(outcome.code, kExitOk);
  EXPECT_EQ(
      outcome.out,
      "records: 4 in 2 files\nfirst:   1\nlast:    4 " + position_.hash + "\nthe chain holds\n");
}

TEST_F(AuditVerify, NamesTheBrokersThatWroteTheRecords) {
  auditlog::Event event;
  std::string text = auditlog::FormatRecord(event, position_);  // Of an older broker.
  for (const char* replica : {"broker-1", "broker-0", "broker-1"}) {
    text += auditlog::FormatRecord(event, position_, replica);
  }
  Write(auditlog::AuditFileName(1), text);

  const Outcome outcome = Verify();

  EXPECT_EQ(outcome.code, kExitOk);
  EXPECT_THAT(outcome.out, HasSubstr("\nbroker:  broker-0\nbroker:  broker-1\nthe chain holds\n"));
}

TEST_F(AuditVerify, SaysThatOlderFilesAreElsewhere) {
  std::filesystem::remove(WriteTwo());
  WriteTwo();
  EXPECT_THAT(Verify().out, HasSubstr("records: 2 in 1 file\nfirst:   3 (older files"));
}

TEST_F(AuditVerify, NamesFileAndLineOfAChangedRecord) {
  const std::string file = WriteTwo();
  std::string text = Read(file);
  text.replace(text.rfind("\"ci\""), 4, "\"me\"");
  Write(auditlog::AuditFileName(1), text);
  const Outcome outcome = Verify();
  EXPECT_EQ(outcome.code, kExitFailed);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr(auditlog::AuditFileName(1)), HasSubstr("2")));
}

TEST_F(AuditVerify, TellsAnUnfinishedRecordFromTampering) {
  const std::string file = WriteTwo();
  std::string text = Read(file);
  const std::string whole = text;
  text += "{\"seq\":3";
  Write(auditlog::AuditFileName(1), text);
  const Outcome outcome = Verify();
  EXPECT_EQ(outcome.code, kExitOk);
  EXPECT_THAT(outcome.out, HasSubstr("tail:    8 bytes"));
}

TEST_F(AuditVerify, DoesNotCallAnEmptyDirectoryVerified) {
  const Outcome outcome = Verify();
  EXPECT_EQ(outcome.code, kExitFailed);
  EXPECT_THAT(outcome.err, HasSubstr("holds no audit records"));
}

TEST_F(AuditVerify, IsBadInputWhenTheDirectoryIsNotThere) {
  EXPECT_EQ(Connectorctl({"audit", "verify", Path("none")}).code, kExitUsage);
}

}  // namespace
}  // namespace connector::cli
