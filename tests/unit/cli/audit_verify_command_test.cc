#include "common/auditlog/chain_head.h"
#include "common/auditlog/record.h"
#include "common/auditlog/verify_directory.h"
#include "tests/support/cpp/chain_keys.h"
#include "tests/unit/cli/console_fixture.h"

#include <gmock/gmock.h>

namespace connector::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class AuditVerify : public InDirectory {
 protected:
  // Writes a file of two records that follow `position_`.
  std::string WriteTwo() {
    const std::string name = auditlog::AuditFileName(position_.seq + 1);
    auditlog::Event event;
    event.subject = "ci";
    const std::string first = auditlog::FormatRecord(event, position_, key_);
    return Write(name, first + auditlog::FormatRecord(event, position_, key_));
  }

  template <typename... Flags>
  [[nodiscard]] Outcome Verify(const Flags&... flags) {
    const std::string root_key = Write("root.key", std::string(32, 'r'));
    return Connectorctl(
        {"audit", "verify", directory_.path(), "--root-key-file", root_key, flags...});
  }

  auditlog::ChainKey key_ = testing_support::ChainKeyOf();
  auditlog::ChainPosition position_;
};

TEST_F(AuditVerify, PrintsRecordsAndTheLastHashOfAChainThatHolds) {
  WriteTwo();
  WriteTwo();
  const Outcome outcome = Verify();
  EXPECT_EQ(outcome.code, kExitOk);
  EXPECT_EQ(outcome.out,
            "records: 4 in 2 files\nfirst:   1\nlast:    4 " + position_.hash +
                "\nkey:     " + key_.id() +
                "\nhead:    not known; whether records were cut off the end is not shown\n"
                "the chain holds\n");
}

TEST_F(AuditVerify, NamesTheBrokersThatWroteTheRecords) {
  auditlog::Event event;
  std::string text = auditlog::FormatRecord(event, position_, key_);  // Of an older broker.
  for (const char* replica : {"broker-1", "broker-0", "broker-1"}) {
    text += auditlog::FormatRecord(event, position_, key_, replica);
  }
  Write(auditlog::AuditFileName(1), text);

  const Outcome outcome = Verify();

  EXPECT_EQ(outcome.code, kExitOk);
  EXPECT_THAT(outcome.out, HasSubstr("\nbroker:  broker-0\nbroker:  broker-1\nkey: "));
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

TEST_F(AuditVerify, ProvesNothingWithoutTheKey) {
  WriteTwo();
  const Outcome outcome = Connectorctl({"audit", "verify", directory_.path()});
  EXPECT_EQ(outcome.code, kExitUsage);
  EXPECT_THAT(outcome.out, Not(HasSubstr("holds")));
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("not proven"), HasSubstr("--root-key-file")));
}

TEST_F(AuditVerify, DoesNotProveARecordOfAnotherKey) {
  WriteTwo();
  const std::string other = Write("other.key", std::string(32, 'o'));
  EXPECT_EQ(Connectorctl({"audit", "verify", directory_.path(), "--root-key-file", other}).code,
            kExitUsage);
  EXPECT_EQ(Verify("--root-key-file", other).code, kExitOk) << "with both";
}

TEST_F(AuditVerify, RefusesAKeyThatIsTooShort) {
  WriteTwo();
  const std::string file = Write("short.key", std::string(31, 'r'));
  EXPECT_THAT(Verify("--root-key-file", file).err, HasSubstr("fewer than 32 bytes"));
}

TEST_F(AuditVerify, AcceptsRecordsWithoutAKeyOnlyAsFarAsItIsTold) {
  auditlog::Event event;
  std::string text = testing_support::UnkeyedRecord(event, position_);
  text += testing_support::UnkeyedRecord(event, position_);
  text += auditlog::FormatRecord(event, position_, key_);
  Write(auditlog::AuditFileName(1), text);

  EXPECT_EQ(Verify().code, kExitFailed);
  EXPECT_THAT(Verify().err, HasSubstr("--unkeyed-through 2"));
  EXPECT_EQ(Verify("--unkeyed-through", "1").code, kExitFailed);
  EXPECT_THAT(Verify("--unkeyed-through", "2").out, HasSubstr("unkeyed: up to 2;"));
  EXPECT_EQ(Verify("--unkeyed-through", "2").code, kExitOk);
  EXPECT_EQ(Verify("--unkeyed-through", "0").code, kExitUsage);
}

TEST_F(AuditVerify, ShowsByTheHeadThatRecordsWereCutOff) {
  WriteTwo();
  const std::string last = WriteTwo();
  const std::string head = Write("elsewhere", auditlog::FormatHead(position_, key_));
  EXPECT_THAT(Verify("--head-file", head).out, HasSubstr("head:    4, as " + head + " says"));

  std::filesystem::remove(last);
  const Outcome outcome = Verify("--head-file", head);
  EXPECT_EQ(outcome.code, kExitFailed);
  EXPECT_THAT(outcome.err, HasSubstr("records 3 to 4 are missing"));
}

TEST_F(AuditVerify, RefusesAHeadThatNobodyWithTheKeyWrote) {
  WriteTwo();
  auditlog::ChainPosition later{9, std::string(64, 'a'), true};
  std::string head = auditlog::FormatHead(later, key_);
  head.replace(head.find(" 9 "), 3, " 2 ");
  EXPECT_EQ(Verify("--head-file", Write("elsewhere", head)).code, kExitFailed);
  EXPECT_EQ(Verify("--head-file", Path("none")).code, kExitUsage);
}

TEST_F(AuditVerify, FailsWhereTheChainSaysThatRecordsWereLost) {
  auditlog::Event lost;
  lost.reason = auditlog::kAuditLost;
  lost.detail = "file F was removed";
  Write(auditlog::AuditFileName(1), auditlog::FormatRecord(lost, position_, key_));
  EXPECT_EQ(Verify().code, kExitFailed);
  EXPECT_THAT(Verify().err, HasSubstr("record 1: file F was removed"));
}

TEST_F(AuditVerify, IsBadInputWhenTheDirectoryIsNotThere) {
  EXPECT_EQ(Connectorctl({"audit", "verify", Path("none")}).code, kExitUsage);
}

}  // namespace
}  // namespace connector::cli
