#pragma once

// RecordReceiver: where audit records are kept outside the broker's host. Implementations:
// syslog_receiver.h, otlp_receiver.h.

#include "common/async/task.h"
#include "common/base/result.h"

#include <string>
#include <vector>

namespace connector::broker::audit_export {

// What is sent at once: records as they stand in the audit files, without line ends, and, where it
// is not empty, the line that names the chain's head (common/auditlog/chain_head.h).
struct Shipment {
  std::vector<std::string> records;
  std::string head = {};
};

// Blocks: it is called by a thread of its own.
class RecordReceiver {
 public:
  virtual ~RecordReceiver() = default;

  // Returns when the receiver has all of it, as far as its protocol says so. After an error any
  // part may have arrived, and all of it is sent again: a record's number tells the doubles apart.
  // Errors: kUnavailable, kDeadlineExceeded, with the receiver's name and the cause.
  [[nodiscard]] virtual Result<Done> Send(const Shipment& shipment, Deadline deadline) = 0;

 protected:
  RecordReceiver() = default;
  RecordReceiver(const RecordReceiver&) = default;
  RecordReceiver& operator=(const RecordReceiver&) = default;
};

}  // namespace connector::broker::audit_export
