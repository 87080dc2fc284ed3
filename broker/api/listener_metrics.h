#pragma once

// What is counted of IssueListenerCertificate.

#include "broker/api/listener_certificate_handler.h"
#include "common/base/clock.h"

#include <prometheus/counter.h>
#include <prometheus/registry.h>

#include <array>

namespace connector::broker::api {

// Thread-safe.
class ListenerMetrics {
 public:
  ListenerMetrics(prometheus::Registry& registry, WallTime authority_ends);

  void Asked(CertificateOutcome outcome);

 private:
  std::array<prometheus::Counter*, 4> asked_{};  // By CertificateOutcome.
};

}  // namespace connector::broker::api
