#include "broker/audit/file_audit_log.h"

#include "broker/audit/refusal_budget.h"
#include "common/auditlog/verify_directory.h"
#include "common/log/log.h"
#include "tests/contract/broker/audit/audit_log_contract.h"
#include "tests/support/cpp/chain_keys.h"
#include "tests/support/cpp/eventually.h"
#include "tests/support/cpp/fake_audit_log.h"
#include "tests/support/cpp/fake_clock.h"
#include "tests/support/cpp/scratch_dir.h"
#include "tests/unit/broker/audit/faulty_file.h"

#include <prometheus/registry.h>

#include <fstream>
#include <future>

namespace connector::broker::audit {
namespace {

using ::testing::HasSubstr;
using testing_support::HasError;
using testing_support::HasValue;

class FileHarness {
 public:
  explicit FileHarness(std::chrono::milliseconds interval = std::chrono::hours(1),
                       std::size_t max_queued = kMaxQueuedRecords)
      : log_([&] {
          FileAuditLogOptions options;
          options.chain = {.directory = scratch_ / "audit",
                           .keys = keys_,
                           .head_file = scratch_ / "audit.head",
                           .max_file_age = std::chrono::hours(24),
                           .clock = &clock_,
                           .log = &logger_,
                           .open_file = OpenFaulty(faults_)};
          options.registry = &registry_;
          options.interval = interval;
          options.max_queued = max_queued;
          auto log = FileAuditLog::Open(std::move(options));
          return log ? std::move(*log) : nullptr;
        }()) {}

  FileAuditLog& log() { return *log_; }
  Result<Done> Append() { return Append("subject"); }
  Result<Done> Append(const std::string& subject) {
    auditlog::Event event;
    event.time = clock_.Now();
    event.subject = subject;
    event.reason = "SOME_REASON";
    event.client_address = "192.0.2.1:80";
    return testing_support::RunTask(io_, log_->Append(std::move(event)));
  }
  testing_support::FakeClock& clock() { return clock_; }
  std::string Path(const std::string& name) { return scratch_ / name; }
  std::string Records() {
    std::string all;
    const auto paths = auditlog::ListAuditFiles(scratch_ / "audit");
    for (const std::string& path : *paths) {
      std::ifstream in(path);
      all += std::string(std::istreambuf_iterator<char>(in), {});
    }
    return all;
  }
  void Break() { faults_.sync = true; }
  void Mend() { faults_.sync = false; }
  std::size_t DurableRecords() {
    const auto report = auditlog::VerifyDirectory(scratch_ / "audit", {*keys_});
    return report ? report->records : 999999;
  }
  double Metric(const std::string& name) {
    for (const auto& family : registry_.Collect()) {
      if (family.name == name) {
        return family.metric.at(0).counter.value;
      }
    }
    return -1;
  }

 private:
  testing_support::ScratchDir scratch_;
  std::shared_ptr<const auditlog::ChainKeys> keys_ = testing_support::ChainKeysOf();
  testing_support::FakeClock clock_;
  log::Logger logger_{2, "test", static_cast<log::Level>(99)};
  prometheus::Registry registry_;
  Faults faults_;
  asio::io_context io_;  // Outlives the log.
  std::unique_ptr<FileAuditLog> log_;
};

class FakeHarness {
 public:
  AuditLog& log() { return log_; }
  void Break() { log_.SetBroken(true); }
  void Mend() { log_.SetBroken(false); }
  std::size_t DurableRecords() { return log_.events().size(); }

 private:
  testing_support::FakeAuditLog log_;
};

INSTANTIATE_TYPED_TEST_SUITE_P(File, AuditLogContract, FileHarness);
INSTANTIATE_TYPED_TEST_SUITE_P(Fake, AuditLogContract, FakeHarness);

TEST(FileAuditLog, RefusesRecordsOnceItIsStopped) {
  FileHarness harness;
  harness.log().Stop();

  EXPECT_THAT(harness.Append(), HasError(ErrorCode::kUnavailable));
  EXPECT_EQ(harness.DurableRecords(), 0U);
}

TEST(FileAuditLog, WritesWhatIsQueuedBeforeItStops) {
  asio::io_context io;
  FileHarness harness;
  int durable = 0;
  const auto append = [&]() -> Task<void> {
    auditlog::Event event;
    event.subject = "subject";
    const Result<Done> result = co_await harness.log().Append(std::move(event));
    durable += result ? 1 : 0;
  };
  for (int i = 0; i < 50; ++i) {
    asio::co_spawn(io, append, asio::detached);
  }
  io.poll();  // All are queued, none has been completed on this executor by its own doing.
  harness.log().Stop();
  io.run();

  EXPECT_EQ(durable, 50);
  EXPECT_EQ(harness.DurableRecords(), 50U);
}

TEST(FileAuditLog, RefusesRecordsBeyondItsQueue) {
  FileHarness harness(std::chrono::hours(1), 0);

  EXPECT_THAT(harness.Append(), HasError(ErrorCode::kUnavailable));
  EXPECT_EQ(harness.DurableRecords(), 0U);
}

TEST(FileAuditLog, CountsRecordsAndFailures) {
  FileHarness harness;
  ASSERT_THAT(harness.Append(), HasValue(Done{}));
  harness.Break();
  ASSERT_THAT(harness.Append(), HasError(ErrorCode::kUnavailable));

  EXPECT_EQ(harness.Metric("connector_broker_audit_records_total"), 1);
  EXPECT_EQ(harness.Metric("connector_broker_audit_failures_total"), 1);
}

TEST(FileAuditLog, ShowsItsHeadAndWhyItFails) {
  FileHarness harness;
  ASSERT_THAT(harness.Append(), HasValue(Done{}));
  EXPECT_EQ(harness.log().Status().problem, "");
  EXPECT_EQ(harness.log().Status().head.seq, 1U);

  harness.Break();
  ASSERT_THAT(harness.Append(), HasError(ErrorCode::kUnavailable));
  EXPECT_EQ(harness.log().Status().problem, "Input/output error");
  EXPECT_EQ(harness.log().Status().head.seq, 1U);
}

TEST(FileAuditLog, RecoversWithoutTrafficByARecordOfItsOwn) {
  FileHarness harness(std::chrono::milliseconds(1));
  harness.Break();
  ASSERT_THAT(harness.Append(), HasError(ErrorCode::kUnavailable));
  harness.Mend();

  while (!harness.log().Status().problem.empty()) {
    std::this_thread::yield();
  }
  EXPECT_EQ(harness.DurableRecords(), 1U);
}

TEST(FileAuditLog, NoticesWithoutTrafficThatItsFileIsGone) {
  FileHarness harness(std::chrono::milliseconds(1));
  ASSERT_THAT(harness.Append(), HasValue(Done{}));
  std::filesystem::remove(harness.Path("audit/" + auditlog::AuditFileName(1)));

  while (harness.log().Status().losses.count == 0) {
    std::this_thread::yield();
  }
  EXPECT_THAT(harness.Records(), HasSubstr(R"("reason":"AUDIT_LOST")"));
  EXPECT_THAT(harness.log().Status().losses.last, HasSubstr("was removed"));
}

TEST(FileAuditLog, KeepsTheHeadWhenItStops) {
  FileHarness harness;
  ASSERT_THAT(harness.Append(), HasValue(Done{}));
  harness.log().Stop();

  std::ifstream in(harness.Path("audit.head"));
  EXPECT_THAT(std::string(std::istreambuf_iterator<char>(in), {}),
              ::testing::StartsWith("oci-connector-audit-head 1 "));
}

TEST(FileAuditLog, GoesOnUnderANewRootKeyWithoutTraffic) {
  FileHarness harness;
  ASSERT_THAT(harness.Append(), HasValue(Done{}));
  harness.log().UseKeys(testing_support::ChainKeysOf("or"));

  EXPECT_TRUE(testing_support::Eventually([&] { return harness.log().Status().head.seq == 2; }));
  EXPECT_THAT(harness.Records(), HasSubstr("AUDIT_KEY_CHANGED"));
  EXPECT_THAT(harness.log().HeadLine(), HasSubstr(testing_support::ChainKeyOf('o').id()));
}

TEST(FileAuditLog, SaysThatTheHeadFileCannotBeWritten) {
  FileHarness harness(std::chrono::milliseconds(1));
  const std::string head = harness.Path("audit.head");
  std::error_code ignored;
  while (!std::filesystem::is_directory(head, ignored)) {  // The log makes it anew meanwhile.
    std::filesystem::remove(head, ignored);
    std::filesystem::create_directory(head, ignored);
  }
  ASSERT_THAT(harness.Append(), HasValue(Done{}));

  while (harness.log().Status().head_problem.empty()) {
    std::this_thread::yield();
  }
  EXPECT_THAT(harness.log().Status().head_problem, HasSubstr("audit.head"));
}

TEST(FileAuditLog, RecordsAFewRefusalsOfNobodyAndCountsTheRestInOneRecord) {
  FileHarness harness;
  for (std::size_t i = 0; i < kRecordsPerSource + 100; ++i) {
    ASSERT_THAT(harness.Append(""), HasValue(Done{}));
  }
  ASSERT_THAT(harness.Append("known"), HasValue(Done{}));
  EXPECT_EQ(harness.DurableRecords(), kRecordsPerSource + 1);

  harness.clock().Advance(kRefusalPeriod);
  ASSERT_THAT(harness.Append("known"), HasValue(Done{}));
  EXPECT_EQ(harness.DurableRecords(), kRecordsPerSource + 3);
  EXPECT_THAT(harness.Records(), HasSubstr("100 more refusals of callers"));
}

TEST(FileAuditLog, RecordsWhatItCountedWhenItStops) {
  FileHarness harness;
  for (std::size_t i = 0; i < kRecordsPerSource + 100; ++i) {
    ASSERT_THAT(harness.Append(""), HasValue(Done{}));
  }
  harness.log().Stop();

  EXPECT_THAT(harness.Records(), HasSubstr("100 more refusals of callers"));
}

}  // namespace
}  // namespace connector::broker::audit
