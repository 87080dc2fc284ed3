#pragma once

// AuditDirectory: the directory of the audit files, locked, so that two brokers cannot tear one
// chain.

#include "common/base/result.h"

#include <memory>
#include <string>

namespace connector::broker::audit {

class AuditDirectory {
 public:
  // Makes it with mode 0700 when it is missing. Fails with kUnavailable when another broker has
  // locked it or it cannot be used.
  [[nodiscard]] static Result<std::unique_ptr<AuditDirectory>> Open(const std::string& path);

  ~AuditDirectory();  // Drops the lock.
  AuditDirectory(const AuditDirectory&) = delete;
  AuditDirectory& operator=(const AuditDirectory&) = delete;

  // The names of its files are on disk.
  [[nodiscard]] Result<Done> Sync() const;
  // False once it was removed, or something else stands at its path.
  [[nodiscard]] bool IsInPlace() const;

 private:
  AuditDirectory(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}

  int fd_;
  std::string path_;
};

}  // namespace connector::broker::audit
