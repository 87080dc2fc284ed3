#pragma once

// Issuer: asks a broker for a grant. Implementations: grpc_issuer.h (gRPC), and a fake in tests.

#include "dataplane/token/grant.h"

#include <functional>

namespace connector::dataplane::token {

// Thread-safe.
class Issuer {
 public:
  virtual ~Issuer() = default;

  // Calls `done` exactly once, on any thread, within the issuer's own timeout. A broker that gives
  // no answer is a GrantDenial with kBrokerUnavailable.
  virtual void Issue(GrantRequest grant_request, std::function<void(GrantResult)> done) = 0;

 protected:
  Issuer() = default;
  Issuer(const Issuer&) = default;
  Issuer& operator=(const Issuer&) = default;
};

}  // namespace connector::dataplane::token
