#pragma once

// The chain: what the broker asks. It picks the one verifier that is responsible for a token's
// issuer, and remembers callers that were verified a moment ago.
//
// The issuer is read from a token that nobody has checked, and used for nothing but that choice:
// the verifier then checks it again. Refusals are never remembered here, and of a verifier that
// remembers by itself nothing is. Passes
// tests/contract/callers/caller_verifier_contract.h.

#include "broker/callers/caller_verifier.h"
#include "broker/callers/discovered_issuer.h"
#include "common/base/clock.h"
#include "common/base/result.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace connector::broker::callers {

// How long a verified token is taken at its word, at most: until its exp if that is sooner.
inline constexpr std::chrono::seconds kVerifiedFor{60};

struct IssuerVerifier {
  std::string issuer;
  std::unique_ptr<CallerVerifier> verifier;
  // Zero: each time the verifier is asked. Never more than kVerifiedFor.
  std::chrono::seconds remembered_for = kVerifiedFor;
};

enum class VerifyOutcome : std::uint8_t {
  kAccepted,
  kAcceptedFromCache,
  kTooLong,        // Over kMaxTokenBytes, or empty.
  kMalformed,      // Not three parts with a payload that names an issuer.
  kUnknownIssuer,  // No verifier is responsible.
  kRefused,        // By the issuer's verifier.
  kUnavailable,    // The issuer could not be asked.
};
[[nodiscard]] std::string_view ToString(VerifyOutcome outcome);  // "accepted", "too_long" ...

// Called once per Verify, on its thread, for metrics. Empty: nobody listens.
using VerifyObserver = std::function<void(VerifyOutcome)>;

// Fails with kInvalidArgument when two verifiers name one issuer. With no verifier at all, every
// token is refused. While `discovered` is not known, tokens of issuers that no verifier is
// responsible for fail with kUnavailable. `clock` outlives the chain.
[[nodiscard]] Result<std::unique_ptr<CallerVerifier>> MakeVerifierChain(
    std::vector<IssuerVerifier> verifiers,
    const Clock& clock,
    VerifyObserver observer = {},
    std::shared_ptr<const DiscoveredIssuer> discovered = nullptr);

}  // namespace connector::broker::callers
