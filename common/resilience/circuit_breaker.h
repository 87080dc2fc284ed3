#pragma once

// CircuitBreaker: whether something that fails may be asked again yet. Pure: no clock, no lock, no
// random source; the owner guards it.
//
// Closed: everyone may ask. A failure opens it for a backoff, or for longer when the other side
// named a time (Retry-After). Then it is half open: it lets one attempt through, the probe, and
// keeps the others out until that one has come back. So something that ails sees one request at a
// time from this process, however many wait. It does not decide what counts as a failure.

#include "common/base/result.h"
#include "common/resilience/backoff.h"

#include <chrono>
#include <cstdint>
#include <optional>

namespace connector::resilience {

struct CircuitBreakerOptions {
  BackoffOptions backoff;
  std::chrono::seconds longest_retry_after{60};
  // False: once half open, everyone may ask; for callers that each ask for something else.
  bool one_probe = true;
  // How long those who come while a probe is out are told to stay away.
  std::chrono::milliseconds probe_pause{200};
  // A probe that never came back is forgotten after this.
  std::chrono::seconds longest_probe{60};
};

class CircuitBreaker {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit CircuitBreaker(CircuitBreakerOptions options) : options_(options) {}

  struct Held {
    Error error;  // What went wrong last, with retry_after.
    Time until;
    unsigned failures = 0;  // In a row.
  };

  // Nullopt: go, and then call Succeeded, Failed or Abandoned.
  [[nodiscard]] std::optional<Held> Admit(Time now);

  // True when it was failing before.
  bool Succeeded();
  // `started` is when the attempt began. One that began before the last failure tells nothing new:
  // it does not lengthen the backoff, and the probe stays out. `random` is in [0, 1).
  void Failed(const Error& error, Time started, Time now, double random);
  // The probe ended without an answer that tells anything.
  void Abandoned() { probe_until_ = Time(); }

  [[nodiscard]] bool failing() const { return failures_ > 0; }
  [[nodiscard]] Time until() const { return until_; }
  // When Admit may next let one through: while a probe is out, not at once, or who waits would
  // spin.
  [[nodiscard]] Time NextTry(Time now) const;
  [[nodiscard]] const Error& error() const { return error_; }

 private:
  CircuitBreakerOptions options_;
  unsigned failures_ = 0;
  Time failed_at_;
  Time until_;
  Time probe_until_;
  Error error_;
};

}  // namespace connector::resilience
