#pragma once

// One Verify to its end, for tests of verifiers.

#include "broker/callers/caller_verifier.h"
#include "tests/support/cpp/run_task.h"

#include <chrono>
#include <ostream>
#include <string_view>

namespace connector::broker::callers {

inline void PrintTo(const Caller& caller, std::ostream* os) {
  *os << caller.Name();
}

inline Result<Caller> VerifyNow(CallerVerifier& verifier, std::string_view token) {
  const UnverifiedToken unverified{Secret(token)};
  return testing_support::RunTask(
      verifier.Verify(unverified, std::chrono::steady_clock::now() + std::chrono::seconds(30)));
}

}  // namespace connector::broker::callers
