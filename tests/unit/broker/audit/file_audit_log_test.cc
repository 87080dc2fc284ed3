#include "broker/audit/file_audit_log.h"

#include "common/auditlog/verify_directory.h"
#include "common/log/log.h"
#include "tests/contract/broker/audit/audit_log_contract.h"
#include "tests/support/cpp/fake_audit_log.h"
#include "tests/support/cpp/fake_clock.h"
#include "tests/support/cpp/scratch_dir.h"
#include "tests/unit/broker/audit/faulty_file.h"

#include <prometheus/registry.h>

#include <future>

namespace connector::broker::audit {
namespace {

using testing_support::HasError;
using testing_support::HasValue;

class FileHarness {
 public:
  explicit FileHarness(std::chrono::milliseconds retry_interval = std::chrono::hours(1),
                       std::size_t max_queued = kMaxQueuedRecords)
      : log_([&] {
          FileAuditLogOptions options;
          options.chain = {.directory = scratch_ / "audit",
                           .max_file_age = std::chrono::hours(24),
                           .clock = &clock_,
                           .log = &logger_,
                           .open_file = OpenFaulty(faults_)};
          options.registry = &registry_;
          options.retry_interval = retry_interval;
          options.max_queued = max_queued;
          auto log = FileAuditLog::Open(std::move(options));
          return log ? std::move(*log) : nullptr;
        }()) {}

  FileAuditLog& log() { return *log_; }
  Result<Done> Append() { return testing_support::RunTask(io_, log_->Append({})); }
  void Break() { faults_.sync = true; }
  void Mend() { faults_.sync = false; }
  std::size_t DurableRecords() {
    const auto report = auditlog::VerifyDirectory(scratch_ / "audit");
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

}  // namespace
}  // namespace connector::broker::audit
