#pragma once

// AccessLog: one JSON line per request, buffered per worker and written at most a tick later. Holds
// who, what and how it went; never a token, a query or a Location.

#include "common/base/clock.h"

#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>

namespace connector::dataplane::server {

struct AccessRecord {
  WallTime time;
  std::string_view request_id;
  std::string_view client;
  std::string_view method;
  std::string_view connector;   // "namespace/name"; empty when none was resolved.
  std::string_view repository;  // The registry's name.
  std::string_view operation;   // "manifest", "blob", "upload" ...
  std::string_view reference;   // Tag or digest; empty for uploads.
  std::string_view subject;
  std::string_view decision;  // "allowed", or why not.
  std::string_view error;     // The reason of our own answer (docs/errors.md); empty for others.
  int status = 0;
  int upstream_status = 0;
  std::uint64_t bytes_up = 0;
  std::uint64_t bytes_down = 0;
  std::int64_t grant_micros = 0;     // Waiting for the grant.
  std::int64_t upstream_micros = 0;  // From the grant to the upstream's head.
  std::int64_t total_micros = 0;
  std::string_view user_agent;
};

// Not thread-safe: belongs to one worker.
class AccessLog {
 public:
  explicit AccessLog(int fd) : fd_(fd) {}
  ~AccessLog() { Flush(); }
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;

  void Append(const AccessRecord& record);
  void Flush();  // At every tick, and at the end.

 private:
  int fd_;
  std::string buffer_;
  std::time_t formatted_second_ = -1;
  char second_[24] = {};  // "2026-01-02T03:04:05"
};

}  // namespace connector::dataplane::server
