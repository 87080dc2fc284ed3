#pragma once

// The `oidc` verifier: tokens of one OpenID issuer, against keys that are discovered, cached and
// fetched again (issuer_keys.h).
//
// A token is accepted only with a verified signature. While an issuer fails, the current keys are
// used longer, but no unverified token passes. The verifier does no network I/O; a function that
// fetches is passed to it. Passes tests/contract/broker/callers/caller_verifier_contract.h.

#include "broker/callers/caller_verifier.h"
#include "broker/callers/key_refresh.h"
#include "broker/callers/oidc/key_source.h"
#include "common/base/clock.h"
#include "common/base/result.h"

#include <chrono>
#include <memory>
#include <string>

namespace connector::broker::callers {

struct OidcOptions {
  KeySource source;      // Its issuer is compared whole with the token's iss.
  std::string audience;  // Must be among the token's aud.
  // The subjects of this issuer name ServiceAccounts: only for a cluster's own issuer. Then other
  // subjects are refused. Without it a subject is never a ServiceAccount, whatever it says.
  bool kubernetes = false;
  bool own_cluster = false;  // Those are the broker's own cluster's.
  bool require_connector_audience = false;
  // How long a caller waits for newer keys, at most, while old ones would still do.
  std::chrono::milliseconds wait_with_old_keys{2000};
  KeyRefreshObserver on_refresh;
};

// Fetches nothing yet: the first Verify does. A refresh runs on the executor of the Verify that
// started it, ends by kFetchTimeout (issuer_keys.h), and may outlive this verifier, which it does
// not touch then.
//
// Fails with kInvalidArgument for an empty audience, an issuer that is not an https URL (http with
// allow_insecure), or a jwks_uri that is not. `clock` outlives the executor's work.
[[nodiscard]] Result<std::unique_ptr<CallerVerifier>> MakeOidcVerifier(OidcOptions options,
                                                                       FetchDocument fetch,
                                                                       const Clock& clock);

}  // namespace connector::broker::callers
