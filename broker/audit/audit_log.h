#pragma once

// AuditLog: one record per decision, on disk before the decision takes effect (docs/promises.md
// P4).
//
// Implementations: file_audit_log.h (hash-chained JSON lines, group commit), and a fake in
// tests/support. The chain itself (format, hashing, verification) is common/auditlog, because
// connectorctl verifies it too.

#include "common/async/task.h"
#include "common/auditlog/record.h"
#include "common/base/result.h"

namespace connector::broker::audit {

// Thread-safe.
class AuditLog {
 public:
  virtual ~AuditLog() = default;

  // Returns when the event is durable. Fails with kUnavailable when it is not (full or read-only
  // disk, stopped): the caller must then issue nothing.
  [[nodiscard]] virtual Task<Result<Done>> Append(auditlog::Event event) = 0;

 protected:
  AuditLog() = default;
  AuditLog(const AuditLog&) = default;
  AuditLog& operator=(const AuditLog&) = default;
};

}  // namespace connector::broker::audit
