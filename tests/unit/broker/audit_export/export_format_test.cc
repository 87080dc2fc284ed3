#include "broker/audit_export/otlp_format.h"
#include "broker/audit_export/syslog_format.h"
#include "common/auditlog/record.h"
#include "tests/support/cpp/chain_keys.h"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace connector::broker::audit_export {
namespace {

using ::testing::StartsWith;

std::string TextAt(const boost::json::value& value, std::string_view pointer) {
  return std::string(value.at_pointer(pointer).as_string());
}

// A record as the broker writes it, without its end.
std::string Record(bool allowed, std::string reason = {}, std::string replica = "broker-1") {
  auditlog::Event event;
  event.time = WallTime{std::chrono::milliseconds(1'700'000'000'123)};
  event.allowed = allowed;
  event.reason = std::move(reason);
  auditlog::ChainPosition position;
  std::string line =
      auditlog::FormatRecord(event, position, testing_support::ChainKeysOf()->front(), replica);
  line.pop_back();
  return line;
}

TEST(SyslogRecord, IsOneFramedMessage) {
  const std::string record = Record(true);
  const std::string message =
      "<110>1 2023-11-14T22:13:20.123Z broker-1 oci-connector-broker - audit - " + record;
  EXPECT_EQ(SyslogRecord(record), std::to_string(message.size()) + " " + message);
}

TEST(SyslogRecord, SaysHowSevereItIs) {
  const auto severity = [](const std::string& record) {
    const std::string framed = SyslogRecord(record);
    return framed.substr(framed.find('<'), 5);
  };
  EXPECT_EQ(severity(Record(false, "ACCESS_DENIED")), "<109>");
  EXPECT_EQ(severity(Record(false, "AUDIT_LOST")), "<106>");
  EXPECT_EQ(severity("not a record"), "<109>");
}

TEST(SyslogRecord, BreaksNoHeader) {
  const std::string framed = SyslogRecord(Record(true, {}, "a b\n<1>1"));
  EXPECT_THAT(framed.substr(framed.find('<')),
              StartsWith("<110>1 2023-11-14T22:13:20.123Z a?b?<1>1 oci-connector-broker"));
  EXPECT_THAT(SyslogHead("HEAD", "", ""),
              StartsWith("51 <110>1 - - oci-connector-broker - audit-head - HEAD"));
}

TEST(OtlpLogs, HoldsEachRecordAsItStands) {
  const std::string record = Record(true);
  const WallTime now{std::chrono::milliseconds(1'700'000'005'000)};

  const auto logs = boost::json::parse(OtlpLogs({{record}, "HEAD"}, "broker-1", now));

  const auto& resource = logs.at("resourceLogs").at(0);
  EXPECT_EQ(TextAt(resource, "/resource/attributes/1/value/stringValue"), "broker-1");
  const auto& records = resource.at_pointer("/scopeLogs/0/logRecords").as_array();
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(TextAt(records[0], "/body/stringValue"), record);
  EXPECT_EQ(TextAt(records[0], "/timeUnixNano"), "1700000000123000000");
  EXPECT_EQ(TextAt(records[0], "/observedTimeUnixNano"), "1700000005000000000");
  EXPECT_EQ(records[0].at("severityNumber").as_int64(), 9);
  EXPECT_EQ(TextAt(records[1], "/body/stringValue"), "HEAD");
  EXPECT_EQ(TextAt(records[1], "/attributes/0/value/stringValue"), "oci_connector.audit_head");
}

TEST(OtlpRejected, ReadsBothWaysToWriteANumber) {
  EXPECT_EQ(OtlpRejected(R"({"partialSuccess":{"rejectedLogRecords":"3"}})"), 3);
  EXPECT_EQ(OtlpRejected(R"({"partialSuccess":{"rejectedLogRecords":4}})"), 4);
  EXPECT_EQ(OtlpRejected(R"({"partialSuccess":{}})"), 0);
  EXPECT_EQ(OtlpRejected("{}"), 0);
  EXPECT_EQ(OtlpRejected(""), 0);
}

}  // namespace
}  // namespace connector::broker::audit_export
