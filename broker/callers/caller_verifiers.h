#pragma once

// Builds the caller verifiers that the configuration names. The only switch over their kinds.

#include "broker/callers/caller_metrics.h"
#include "broker/callers/callers_options.h"
#include "broker/callers/key_refresh.h"
#include "broker/callers/kubernetes/kubernetes_callers.h"
#include "broker/callers/verifier_chain.h"
#include "common/base/clock.h"
#include "common/base/result.h"
#include "common/curl/curl_client.h"
#include "common/program/component.h"

#include <memory>

namespace connector::broker::callers {

struct VerifierParts {
  curl::CurlClient* client = nullptr;  // Fetches discovery documents and key sets.
  const Clock* clock = nullptr;
  KeyRefreshObserver on_refresh;
  VerifyObserver on_verify;
  KubernetesCallers* kubernetes = nullptr;  // Null: no cluster's tokens.
};

// Errors name the issuer and the field. All parts outlive the verifier.
[[nodiscard]] Result<std::unique_ptr<CallerVerifier>> MakeCallerVerifier(
    const CallersOptions& options, VerifierParts parts);

// The verifier as a part of the program, with the client that it asks issuers with.
class CallerService final : public program::Component {
 public:
  // All outlive the service.
  struct Parts {
    const Clock& clock;
    log::Logger& logger;
    CallerMetrics& metrics;
    KubernetesCallers* kubernetes = nullptr;  // As VerifierParts'.
  };

  [[nodiscard]] static Result<std::unique_ptr<CallerService>> Make(const CallersOptions& options,
                                                                   Parts parts);

  [[nodiscard]] CallerVerifier& verifier() { return *verifier_; }

  void Stop(Deadline deadline) override;

 private:
  CallerService() = default;

  curl::CurlClient client_;
  std::unique_ptr<CallerVerifier> verifier_;
};

}  // namespace connector::broker::callers
