#include "dataplane/server/access_log.h"

#include "common/log/log.h"

#include <unistd.h>

#include <charconv>

namespace connector::dataplane::server {
namespace {

constexpr std::size_t kFlushBytes = 32 * 1024;

void AppendNumber(std::string& out, std::string_view key, std::int64_t value) {
  char digits[24];
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits, value);
  out.append(",\"").append(key).append("\":").append(digits, end);
}

void AppendText(std::string& out, std::string_view key, std::string_view value) {
  if (!value.empty()) {
    out.append(",\"").append(key).append("\":");
    log::AppendJsonString(out, value);
  }
}

}  // namespace

void AccessLog::Append(const AccessRecord& record) {
  const auto millis =
      std::chrono::duration_cast<std::chrono::milliseconds>(record.time.time_since_epoch()).count();
  const auto second = static_cast<std::time_t>(millis / 1000);
  if (second != formatted_second_) {
    std::tm parts{};
    ::gmtime_r(&second, &parts);
    std::strftime(second_, sizeof second_, "%Y-%m-%dT%H:%M:%S", &parts);
    formatted_second_ = second;
  }
  const auto fraction = static_cast<unsigned>(millis % 1000);
  const char digits[5] = {'.',
                          static_cast<char>('0' + fraction / 100),
                          static_cast<char>('0' + fraction / 10 % 10),
                          static_cast<char>('0' + fraction % 10),
                          'Z'};
  std::string& out = buffer_;
  out.append(R"({"time":")").append(second_).append(digits, sizeof digits);
  out.append(R"(","level":"info","program":"connector-dataplane","message":"request")");
  AppendText(out, "request_id", record.request_id);
  AppendText(out, "client", record.client);
  AppendText(out, "method", record.method);
  AppendText(out, "connector", record.connector);
  AppendText(out, "repository", record.repository);
  AppendText(out, "operation", record.operation);
  AppendText(out, "reference", record.reference);
  AppendText(out, "subject", record.subject);
  AppendText(out, "decision", record.decision);
  AppendText(out, "error", record.error);
  AppendNumber(out, "status", record.status);
  AppendNumber(out, "upstream_status", record.upstream_status);
  AppendNumber(out, "bytes_up", static_cast<std::int64_t>(record.bytes_up));
  AppendNumber(out, "bytes_down", static_cast<std::int64_t>(record.bytes_down));
  AppendNumber(out, "grant_us", record.grant_micros);
  AppendNumber(out, "upstream_us", record.upstream_micros);
  AppendNumber(out, "total_us", record.total_micros);
  AppendText(out, "user_agent", record.user_agent);
  out.append("}\n");
  if (out.size() >= kFlushBytes) {
    Flush();
  }
}

void AccessLog::Flush() {
  std::string_view rest = buffer_;
  while (!rest.empty()) {
    const ssize_t put = ::write(fd_, rest.data(), rest.size());
    if (put <= 0) {
      break;  // A log that cannot be written has nowhere to be reported.
    }
    rest.remove_prefix(static_cast<std::size_t>(put));
  }
  buffer_.clear();
}

}  // namespace connector::dataplane::server
