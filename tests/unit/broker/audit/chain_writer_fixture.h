#pragma once

// A ChainWriter in a directory of its own, with files that can be made to fail.

#include "broker/audit/chain_writer.h"
#include "common/auditlog/chain_head.h"
#include "common/auditlog/verify_directory.h"
#include "common/log/log.h"
#include "tests/support/cpp/chain_keys.h"
#include "tests/support/cpp/fake_clock.h"
#include "tests/support/cpp/scratch_dir.h"
#include "tests/unit/broker/audit/faulty_file.h"

#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace connector::broker::audit {

class ChainWriterTest : public ::testing::Test {
 protected:
  ChainWriterOptions Options() {
    return {.directory = directory_,
            .replica = "broker-1",
            .keys = keys_,
            .head_file = head_file_,
            .max_file_age = std::chrono::hours(24),
            .clock = &clock_,
            .log = &log_,
            .open_file = OpenFaulty(faults_)};
  }
  std::unique_ptr<ChainWriter> OpenOrDie() {
    auto writer = ChainWriter::Open(Options());
    EXPECT_TRUE(writer.has_value()) << (writer ? "" : writer.error().message);
    return writer ? std::move(*writer) : nullptr;
  }
  Result<Done> Append(ChainWriter& writer, std::size_t count = 1) {
    std::vector<auditlog::Event> events(count);
    for (auditlog::Event& event : events) {
      event.time = clock_.Now();
    }
    return writer.Append(events);
  }
  auditlog::VerificationReport Verified() {
    const auto report = auditlog::VerifyDirectory(directory_, {*keys_});
    EXPECT_TRUE(report.has_value()) << (report ? "" : report.error().message);
    return report ? *report : auditlog::VerificationReport{};
  }
  std::string FirstFile() { return directory_ + "/" + auditlog::AuditFileName(1); }
  std::string TextOfFirstFile() {
    std::ifstream in(FirstFile());
    return {std::istreambuf_iterator<char>(in), {}};
  }

  testing_support::ScratchDir scratch_;
  std::string directory_ = scratch_ / "audit";
  testing_support::FakeClock clock_;
  log::Logger log_{2, "test", static_cast<log::Level>(99)};
  Faults faults_;
  std::shared_ptr<const auditlog::ChainKeys> keys_ = testing_support::ChainKeysOf();
  std::string head_file_ = scratch_ / "audit.head";
};

}  // namespace connector::broker::audit
