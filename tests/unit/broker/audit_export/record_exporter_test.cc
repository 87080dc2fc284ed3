#include "broker/audit_export/record_exporter.h"

#include "broker/audit_export/position_file.h"
#include "common/auditlog/verify_directory.h"
#include "common/log/log.h"
#include "tests/support/cpp/eventually.h"
#include "tests/support/cpp/result_matchers.h"
#include "tests/support/cpp/scratch_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <mutex>
#include <thread>

namespace connector::broker::audit_export {
namespace {

using ::testing::ElementsAre;
using testing_support::HasError;
using testing_support::HasValue;

// Takes what it gets, or fails.
struct Inbox {
  std::mutex mutex;
  std::vector<std::string> records;
  std::vector<std::string> heads;
  std::atomic<bool> away = false;
};

class FakeReceiver final : public RecordReceiver {
 public:
  explicit FakeReceiver(Inbox& inbox) : inbox_(inbox) {}

  Result<Done> Send(const Shipment& shipment, Deadline /*deadline*/) override {
    if (inbox_.away) {
      return MakeError(ErrorCode::kUnavailable, ErrorOrigin::kUpstream, "the receiver is away");
    }
    const std::lock_guard lock(inbox_.mutex);
    inbox_.records.insert(inbox_.records.end(), shipment.records.begin(), shipment.records.end());
    if (!shipment.head.empty()) {
      inbox_.heads.push_back(shipment.head);
    }
    return Done{};
  }

 private:
  Inbox& inbox_;
};

class RecordExporterTest : public ::testing::Test {
 protected:
  std::unique_ptr<RecordExporter> Make(std::uint64_t refuse_over = 0) {
    progress_ = std::make_shared<audit::ExportProgress>("siem.test:6514", refuse_over);
    return std::make_unique<RecordExporter>(
        ExporterOptions{.kind = "syslog",
                        .directory = directory_.path(),
                        .position_file = position_file_,
                        .interval = std::chrono::milliseconds(5)},
        std::make_unique<FakeReceiver>(inbox_),
        AuditSource{[this] { return durable_.load(); }, [] { return std::string("HEAD"); }},
        progress_,
        log_);
  }
  void Write(const std::string& line) {
    std::ofstream(directory_ / auditlog::AuditFileName(1), std::ios::app) << line << "\n";
    ++durable_;
  }
  std::vector<std::string> Received() {
    const std::lock_guard lock(inbox_.mutex);
    return inbox_.records;
  }
  template <typename Condition>
  static bool WaitUntil(Condition condition) {
    return testing_support::Eventually(condition, std::chrono::seconds(10));
  }
  static Deadline Soon() { return std::chrono::steady_clock::now() + std::chrono::seconds(10); }

  testing_support::ScratchDir directory_;
  testing_support::ScratchDir beside_;
  std::string position_file_ = beside_ / "position";
  Inbox inbox_;
  std::atomic<std::uint64_t> durable_ = 0;
  log::Logger log_{2, "test", static_cast<log::Level>(99)};
  std::shared_ptr<audit::ExportProgress> progress_;
};

TEST_F(RecordExporterTest, SendsWhatIsThereAndWhatComesWithTheHead) {
  Write("a");
  const auto exporter = Make();
  ASSERT_THAT(exporter->Start(), HasValue(Done{}));
  ASSERT_TRUE(WaitUntil([&] { return Received().size() == 1; }));
  Write("b");
  ASSERT_TRUE(WaitUntil([&] { return progress_->through() == 2; }));
  EXPECT_THAT(Received(), ElementsAre("a", "b"));
  EXPECT_THAT(inbox_.heads, ElementsAre("HEAD"));
}

TEST_F(RecordExporterTest, LosesNothingWhileTheReceiverIsAway) {
  inbox_.away = true;
  const auto exporter = Make(2);
  ASSERT_THAT(exporter->Start(), HasValue(Done{}));
  Write("a");
  Write("b");
  ASSERT_TRUE(WaitUntil([&] { return !exporter->Status().problem.empty(); }));
  EXPECT_EQ(exporter->Status().behind, 2U);
  EXPECT_TRUE(exporter->Status().refuses) << "a third one would be too many";
  EXPECT_FALSE(progress_->Refuses(2));

  inbox_.away = false;
  ASSERT_TRUE(WaitUntil([&] { return progress_->through() == 2; }));
  EXPECT_THAT(Received(), ElementsAre("a", "b"));
  EXPECT_FALSE(exporter->Status().refuses);
}

TEST_F(RecordExporterTest, GoesOnWhereItWas) {
  Write("a");
  {
    const auto exporter = Make();
    ASSERT_THAT(exporter->Start(), HasValue(Done{}));
    Write("b");
    exporter->Stop(Soon());
  }
  EXPECT_THAT(Received(), ElementsAre("a", "b")) << "the last ones before the stop, too";
  EXPECT_THAT(ReadPosition(position_file_), HasValue(2U));

  Write("c");
  const auto again = Make();
  ASSERT_THAT(again->Start(), HasValue(Done{}));
  ASSERT_TRUE(WaitUntil([&] { return progress_->through() == 3; }));
  EXPECT_THAT(Received(), ElementsAre("a", "b", "c"));
}

TEST_F(RecordExporterTest, SaysWhenItCannotKnowWhereItWas) {
  std::ofstream(position_file_) << "seven\n";
  EXPECT_THAT(Make()->Start(), HasError(ErrorCode::kInvalidArgument));
  position_file_ = beside_ / "no/such/directory";
  EXPECT_THAT(Make()->Start(), HasError(ErrorCode::kUnavailable));
}

TEST_F(RecordExporterTest, BeginsAnewWithAnotherChain) {
  std::ofstream(position_file_) << "70\n";
  Write("a");
  const auto exporter = Make();
  ASSERT_THAT(exporter->Start(), HasValue(Done{}));
  ASSERT_TRUE(WaitUntil([&] { return progress_->through() == 1; }));
}

}  // namespace
}  // namespace connector::broker::audit_export
