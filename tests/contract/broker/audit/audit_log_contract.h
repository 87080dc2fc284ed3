#pragma once

// What every AuditLog promises, as tests. A log's own test makes a harness (how to build the log,
// how to break and mend what is below it, how many records would survive a power cut) and
// instantiates this suite with it.

#include "broker/audit/audit_log.h"
#include "tests/support/cpp/result_matchers.h"
#include "tests/support/cpp/run_task.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace connector::broker::audit {

template <typename Harness>
class AuditLogContract : public ::testing::Test {
 protected:
  // Of a caller who is known: each has a record of its own.
  static auditlog::Event Refusal() {
    auditlog::Event event;
    event.subject = "subject";
    return event;
  }
  Result<Done> Append() { return testing_support::RunTask(io_, harness_.log().Append(Refusal())); }

  asio::io_context io_;  // Outlives the log, as every executor of its waiters does.
  Harness harness_;
};

TYPED_TEST_SUITE_P(AuditLogContract);

TYPED_TEST_P(AuditLogContract, HasTheRecordOnDiskWhenAppendReturns) {
  ASSERT_THAT(this->Append(), testing_support::HasValue(Done{}));

  EXPECT_EQ(this->harness_.DurableRecords(), 1U);
}

TYPED_TEST_P(AuditLogContract, FailsWhenTheRecordCannotBeKept) {
  this->harness_.Break();

  EXPECT_THAT(this->Append(), testing_support::HasError(ErrorCode::kUnavailable));
  EXPECT_EQ(this->harness_.DurableRecords(), 0U);
}

TYPED_TEST_P(AuditLogContract, RecoversByItself) {
  this->harness_.Break();
  ASSERT_THAT(this->Append(), testing_support::HasError(ErrorCode::kUnavailable));
  this->harness_.Mend();

  EXPECT_THAT(this->Append(), testing_support::HasValue(Done{}));
  EXPECT_EQ(this->harness_.DurableRecords(), 1U);
}

TYPED_TEST_P(AuditLogContract, KeepsEveryRecordOfManyConcurrentAppends) {
  constexpr int kAppends = 500;
  int durable = 0;
  const auto append = [this, &durable]() -> Task<void> {
    auditlog::Event event =
        this->Refusal();  // Named: GCC 12 copies a temporary aggregate byte by byte here.
    const Result<Done> result = co_await this->harness_.log().Append(std::move(event));
    durable += result ? 1 : 0;
  };
  for (int i = 0; i < kAppends; ++i) {
    asio::co_spawn(this->io_, append, asio::detached);
  }
  this->io_.restart();
  this->io_.run();

  EXPECT_EQ(durable, kAppends);
  EXPECT_EQ(this->harness_.DurableRecords(), static_cast<std::size_t>(kAppends));
}

REGISTER_TYPED_TEST_SUITE_P(AuditLogContract,
                            HasTheRecordOnDiskWhenAppendReturns,
                            FailsWhenTheRecordCannotBeKept,
                            RecoversByItself,
                            KeepsEveryRecordOfManyConcurrentAppends);

}  // namespace connector::broker::audit
