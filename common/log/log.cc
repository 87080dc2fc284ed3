#include "common/log/log.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <ctime>
#include <utility>

namespace connector::log {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// The length of the UTF-8 sequence that starts at `text`, or 0 when it is none.
std::size_t Utf8Length(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  std::size_t length = 0;
  std::uint32_t minimum = 0;
  std::uint32_t value = 0;
  if (first < 0x80) {
    return 1;
  }
  if (first >= 0xC2 && first < 0xE0) {
    length = 2, minimum = 0x80, value = first & 0x1FU;
  } else if (first >= 0xE0 && first < 0xF0) {
    length = 3, minimum = 0x800, value = first & 0x0FU;
  } else if (first >= 0xF0 && first < 0xF5) {
    length = 4, minimum = 0x10000, value = first & 0x07U;
  } else {
    return 0;
  }
  if (text.size() < length) {
    return 0;
  }
  for (std::size_t i = 1; i < length; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xC0U) != 0x80) {
      return 0;
    }
    value = (value << 6U) | (byte & 0x3FU);
  }
  const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  return value < minimum || value > 0x10FFFF || surrogate ? 0 : length;
}

std::string_view Name(Level level) {
  switch (level) {
    case Level::kDebug:
      return "debug";
    case Level::kInfo:
      return "info";
    case Level::kWarning:
      return "warning";
    case Level::kError:
      return "error";
  }
  return "error";
}

void AppendTime(std::string& out) {
  const auto now = std::chrono::system_clock::now();
  const auto millis =
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
  const std::time_t seconds = static_cast<std::time_t>(millis / 1000);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[40];
  const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  out.append(text, size);
  const int written = std::snprintf(text, sizeof text, ".%03dZ", static_cast<int>(millis % 1000));
  out.append(text, static_cast<std::size_t>(written));
}

}  // namespace

void AppendJsonString(std::string& out, std::string_view text) {
  out.push_back('"');
  while (!text.empty()) {
    const auto c = static_cast<unsigned char>(text[0]);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(static_cast<char>(c));
      text.remove_prefix(1);
    } else if (c < 0x20 || c == 0x7F) {
      char escaped[8];
      const int size = std::snprintf(escaped, sizeof escaped, "\\u%04x", c);
      out.append(escaped, static_cast<std::size_t>(size));
      text.remove_prefix(1);
    } else if (const std::size_t length = Utf8Length(text); length > 0) {
      out.append(text.substr(0, length));
      text.remove_prefix(length);
    } else {
      out.append(kReplacement);
      text.remove_prefix(1);
    }
  }
  out.push_back('"');
}

Logger::Logger(int fd, std::string program, Level level)
    : fd_(fd), program_(std::move(program)), level_(level) {}

void Logger::Write(Level level, std::string_view message, std::initializer_list<Field> fields) {
  if (!Enabled(level)) {
    return;
  }
  std::string line = R"({"time":")";
  AppendTime(line);
  line.append(R"(","level":")").append(Name(level)).append(R"(","program":)");
  AppendJsonString(line, program_);
  line.append(R"(,"message":)");
  AppendJsonString(line, message);
  for (const Field& field : fields) {
    line.push_back(',');
    AppendJsonString(line, field.key);
    line.push_back(':');
    if (const auto* text = std::get_if<std::string_view>(&field.value)) {
      AppendJsonString(line, *text);
    } else if (const auto* integer = std::get_if<std::int64_t>(&field.value)) {
      line.append(std::to_string(*integer));
    } else if (const auto* real = std::get_if<double>(&field.value)) {
      char number[32];
      const int size = std::snprintf(number, sizeof number, "%.6g", *real);
      line.append(number, static_cast<std::size_t>(size));
    } else {
      line.append(std::get<bool>(field.value) ? "true" : "false");
    }
  }
  line.append("}\n");
  // A log that cannot be written has nowhere to be reported.
  [[maybe_unused]] const ssize_t written = ::write(fd_, line.data(), line.size());
}

}  // namespace connector::log
