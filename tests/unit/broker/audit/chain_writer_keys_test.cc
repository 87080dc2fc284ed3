// Which key a chain goes on with: after an upgrade, and when a root key is replaced.

#include "tests/support/cpp/result_matchers.h"
#include "tests/unit/broker/audit/chain_writer_fixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

namespace connector::broker::audit {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using testing_support::ChainKeyOf;
using testing_support::ChainKeysOf;
using testing_support::HasValue;

class ChainWriterKeysTest : public ChainWriterTest {};

TEST_F(ChainWriterKeysTest, SaysThatTheRecordsBeforeHaveNoKey) {
  ASSERT_TRUE(std::filesystem::create_directory(directory_));
  auditlog::ChainPosition position;
  auditlog::Event event;
  event.time = clock_.Now();
  std::ofstream(FirstFile()) << testing_support::UnkeyedRecord(event, position)
                             << testing_support::UnkeyedRecord(event, position);

  ASSERT_THAT(OpenOrDie()->Append({}), HasValue(Done{}));

  EXPECT_THAT(TextOfFirstFile(),
              AllOf(HasSubstr("AUDIT_KEY_CHANGED"), HasSubstr("records 1 to 2 have no key")));
  EXPECT_EQ(Verified().unkeyed_through, 2U);
}

TEST_F(ChainWriterKeysTest, SaysThatTheRootKeyIsAnother) {
  ASSERT_THAT(Append(*OpenOrDie(), 2), HasValue(Done{}));
  keys_ = testing_support::ChainKeysOf("o");
  ASSERT_THAT(Append(*OpenOrDie()), HasValue(Done{}));

  EXPECT_THAT(TextOfFirstFile(),
              AllOf(HasSubstr("AUDIT_KEY_CHANGED"),
                    HasSubstr(head_file_ + " has key " + testing_support::ChainKeyOf().id())));
  EXPECT_EQ(OpenOrDie()->HasOwnRecords(), false) << "once";
}

TEST_F(ChainWriterKeysTest, GoesOnUnderAnotherKeyWhileItRunsAndRecordsThat) {
  const auto writer = OpenOrDie();
  ASSERT_THAT(Append(*writer, 2), HasValue(Done{}));
  writer->UseKeys(ChainKeysOf("or"));
  EXPECT_TRUE(writer->HasOwnRecords());
  ASSERT_THAT(Append(*writer), HasValue(Done{}));

  EXPECT_THAT(TextOfFirstFile(),
              AllOf(HasSubstr("AUDIT_KEY_CHANGED"),
                    HasSubstr("records up to 2 have key " + ChainKeyOf('r').id() +
                              ", and those from here on " + ChainKeyOf('o').id())));
  keys_ = ChainKeysOf("or");
  EXPECT_EQ(Verified().records, 4U);
  EXPECT_EQ(Verified().keys, (std::set{ChainKeyOf('r').id(), ChainKeyOf('o').id()}));
}

TEST_F(ChainWriterKeysTest, KeepsTheHeadUnderTheNewKey) {
  const auto writer = OpenOrDie();
  ASSERT_THAT(Append(*writer, 2), HasValue(Done{}));
  ASSERT_THAT(writer->WriteHead(), HasValue(Done{}));
  writer->UseKeys(ChainKeysOf("or"));
  ASSERT_THAT(writer->WriteHead(), HasValue(Done{}));

  const auto head = auditlog::ReadHeadFile(head_file_, *ChainKeysOf("o"));
  ASSERT_THAT(head, HasValue(::testing::Ne(std::nullopt)));
  EXPECT_TRUE((*head)->proven);
}

TEST_F(ChainWriterKeysTest, RecordsNothingWhenAnotherKeyIsOnlyAccepted) {
  const auto writer = OpenOrDie();
  writer->UseKeys(ChainKeysOf("ro"));
  EXPECT_FALSE(writer->HasOwnRecords());
  writer->UseKeys(ChainKeysOf("r"));
  EXPECT_FALSE(writer->HasOwnRecords());
}

TEST_F(ChainWriterKeysTest, ChecksRecordsOfTheKeyBeforeWhenItStarts) {
  ASSERT_THAT(Append(*OpenOrDie(), 2), HasValue(Done{}));
  keys_ = ChainKeysOf("or");
  ASSERT_THAT(OpenOrDie()->Append({}), HasValue(Done{}));

  EXPECT_THAT(TextOfFirstFile(),
              AllOf(HasSubstr("AUDIT_KEY_CHANGED"),
                    HasSubstr("its hash was checked"),
                    Not(HasSubstr("was not checked"))));
}

}  // namespace
}  // namespace connector::broker::audit
