#pragma once

// JSON lines for operators. Messages are constant, values are fields. Levels: error = a duty
// failed, warning = we recovered, info = start, stop, reload and one line per request, debug =
// everything else. A Secret does not convert to a field value.

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

namespace connector::log {

enum class Level : std::uint8_t { kDebug, kInfo, kWarning, kError };

struct Field {
  std::string_view key;
  std::variant<std::string_view, std::int64_t, double, bool> value;

  Field(std::string_view k, std::string_view v) : key(k), value(v) {}
  Field(std::string_view k, const std::string& v) : key(k), value(std::string_view(v)) {}
  Field(std::string_view k, const char* v) : key(k), value(std::string_view(v)) {}
  Field(std::string_view k, bool v) : key(k), value(v) {}
  Field(std::string_view k, double v) : key(k), value(v) {}
  template <std::integral T>
  requires(!std::same_as<T, bool>) Field(std::string_view k, T v)
      : key(k), value(static_cast<std::int64_t>(v)) {}
};

// Appends `text` as a JSON string, quotes included. Bytes that are not UTF-8 become U+FFFD.
void AppendJsonString(std::string& out, std::string_view text);

// Thread-safe; a line is one write(2), so that lines of several threads do not mix.
class Logger {
 public:
  // Writes to `fd`, which stays the caller's. `program` stands in every line.
  Logger(int fd, std::string program, Level level);

  [[nodiscard]] bool Enabled(Level level) const { return level >= level_; }
  void Write(Level level, std::string_view message, std::initializer_list<Field> fields);

  void Debug(std::string_view message, std::initializer_list<Field> fields = {}) {
    Write(Level::kDebug, message, fields);
  }
  void Info(std::string_view message, std::initializer_list<Field> fields = {}) {
    Write(Level::kInfo, message, fields);
  }
  void Warning(std::string_view message, std::initializer_list<Field> fields = {}) {
    Write(Level::kWarning, message, fields);
  }
  void Error(std::string_view message, std::initializer_list<Field> fields = {}) {
    Write(Level::kError, message, fields);
  }

 private:
  int fd_;
  std::string program_;
  Level level_;
};

}  // namespace connector::log
