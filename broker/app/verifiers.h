#pragma once

// Builds the caller verifiers that the configuration names. The only switch over their kinds.

#include "broker/app/access_service.h"
#include "broker/app/options.h"
#include "broker/callers/key_refresh.h"
#include "broker/callers/verifier_chain.h"
#include "common/base/clock.h"
#include "common/base/result.h"
#include "common/curl/curl_client.h"

#include <memory>

namespace connector::broker::app {

struct VerifierParts {
  curl::CurlClient* client = nullptr;  // Fetches discovery documents and key sets.
  const Clock* clock = nullptr;
  callers::KeyRefreshObserver on_refresh;
  callers::VerifyObserver on_verify;
  AccessService* access = nullptr;  // Null: no cluster's tokens.
};

// Errors name the issuer and the field. All parts outlive the verifier.
[[nodiscard]] Result<std::unique_ptr<callers::CallerVerifier>> MakeVerifier(const Options& options,
                                                                            VerifierParts parts);

}  // namespace connector::broker::app
