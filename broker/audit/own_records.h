#pragma once

// The records that the broker writes by itself: about the audit, so that the chain says what
// happened to it, and about the deny list. Pure. docs/logs.md lists their reasons.

#include "common/auditlog/record.h"
#include "common/base/clock.h"

#include <string>

namespace connector::broker::audit {

// Records could not be written for a while.
[[nodiscard]] auditlog::Event RecoveredRecord(WallTime now);

// Records were on disk and are not any more, as `what` says.
[[nodiscard]] auditlog::Event LostRecord(WallTime now, std::string what);

// The operator's rule removes old files, as `what` says.
[[nodiscard]] auditlog::Event RemovedRecord(WallTime now, std::string what);

// Another key makes the hashes from here on, as `what` says.
[[nodiscard]] auditlog::Event KeyChangedRecord(WallTime now, std::string what);

// The deny list changed, as `what` says: which one, who is denied by it now, and who no longer is.
[[nodiscard]] auditlog::Event DenyListRecord(WallTime now, std::string what);

// Calls of a peer were refused because the deny list names it.
[[nodiscard]] auditlog::Event DeniedPeerRecord(WallTime now, std::string peer, std::string what);

// Whether the broker wrote it by itself, and not because of a caller.
[[nodiscard]] bool IsOwnRecord(const auditlog::Event& event);

}  // namespace connector::broker::audit
