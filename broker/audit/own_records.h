#pragma once

// The records that the broker writes about the audit itself, so that the chain says what happened
// to it. Pure. docs/logs.md lists their reasons.

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

// What stands before was not proven with the present key, as `what` says.
[[nodiscard]] auditlog::Event KeyChangedRecord(WallTime now, std::string what);

}  // namespace connector::broker::audit
