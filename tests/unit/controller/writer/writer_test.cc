#include "controller/writer/writer.h"

#include "tests/support/cpp/result_matchers.h"
#include "tests/support/cpp/run_task.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace connector::controller {
namespace {

using testing_support::HasErrorMessage;
using testing_support::RunTask;

// There is no client: a write that was sent would end the test program.
class WriterTest : public ::testing::Test {
 protected:
  Writer WriterUntil(std::optional<Deadline> until) {
    return Writer({nullptr,
                   [until] { return until; },
                   [this](const WriteReport& written) { written_.push_back(written); }});
  }

  std::vector<WriteReport> written_;
};

TEST_F(WriterTest, SendsNothingWhenAnotherReplicaLeads) {
  Writer writer = WriterUntil(std::nullopt);

  const auto created = RunTask(writer.Create(kube::kServices, "ns", {}));
  const auto patched = RunTask(writer.MergePatch(kube::kServices, {"ns", "a"}, "", {}));
  const auto deleted = RunTask(writer.Delete(kube::kServices, {"ns", "a"}, "uid"));

  const auto refused =
      HasErrorMessage(ErrorCode::kPermissionDenied, ::testing::HasSubstr("does not lead"));
  EXPECT_THAT(created, refused);
  EXPECT_THAT(patched, refused);
  EXPECT_THAT(deleted, refused);
  EXPECT_TRUE(IsNotLeading(created.error()));
}

TEST_F(WriterTest, SendsNothingOnceTheLeaseRanOut) {
  Writer writer = WriterUntil(std::chrono::steady_clock::now() - std::chrono::milliseconds(1));

  EXPECT_THAT(RunTask(writer.Create(kube::kServices, "ns", {})),
              testing_support::HasError(ErrorCode::kPermissionDenied));
}

TEST_F(WriterTest, SendsNothingThatCouldNotArriveBeforeTheLeaseRunsOut) {
  Writer writer = WriterUntil(std::chrono::steady_clock::now() + kWriteMargin / 2);

  EXPECT_THAT(RunTask(writer.Create(kube::kServices, "ns", {})),
              testing_support::HasError(ErrorCode::kPermissionDenied));
}

TEST_F(WriterTest, CountsWhatWasNotSent) {
  Writer writer = WriterUntil(std::nullopt);

  (void)RunTask(writer.MergePatch(kube::kConnectors, {"ns", "a"}, "status", {}));

  ASSERT_EQ(written_.size(), 1U);
  EXPECT_EQ(written_[0].resource, "connectors/status");
  EXPECT_TRUE(written_[0].not_leading);
}

}  // namespace
}  // namespace connector::controller
