#pragma once

// The verifier chain picks the verifier of a token's issuer, and caches callers that were verified
// a moment ago.
//
// The issuer is read from an unchecked token and used only for this choice; the verifier checks it
// again. Refusals are never cached here, and nothing of a verifier that has its own cache. Passes
// tests/contract/broker/callers/caller_verifier_contract.h.

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

// How long a verified token is accepted from the cache, at most; never past its exp.
inline constexpr std::chrono::seconds kVerifiedFor{60};

struct IssuerVerifier {
  std::string issuer;
  std::unique_ptr<CallerVerifier> verifier;
  // Zero: the verifier checks every request. Never more than kVerifiedFor.
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
// token is refused. While `discovered` knows no issuer, tokens of issuers that no verifier is
// responsible for fail with kUnavailable. `clock` outlives the chain.
[[nodiscard]] Result<std::unique_ptr<CallerVerifier>> MakeVerifierChain(
    std::vector<IssuerVerifier> verifiers,
    const Clock& clock,
    VerifyObserver observer = {},
    std::shared_ptr<const DiscoveredIssuer> discovered = nullptr);

}  // namespace connector::broker::callers
