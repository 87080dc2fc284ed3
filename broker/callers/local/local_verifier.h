#pragma once

// The `local` verifier: tokens of the development issuer, made by `connectorctl token mint`,
// against public keys in a file.
//
// The file is read again when it changes. When the new content cannot be used, the current keys
// stay. It makes no network request. Passes
// tests/contract/broker/callers/caller_verifier_contract.h.

#include "broker/callers/caller_verifier.h"
#include "broker/callers/key_refresh.h"
#include "common/base/clock.h"
#include "common/base/result.h"

#include <chrono>
#include <memory>
#include <string>

namespace connector::broker::callers {

// How often, at most, the file is checked. Only a call to Verify checks it.
inline constexpr std::chrono::seconds kKeyFileCheckInterval{1};

struct LocalOptions {
  std::string issuer;    // Compared whole with the token's iss.
  std::string audience;  // Must be among the token's aud.
  std::string jwks_file;
  KeyRefreshObserver on_refresh;  // Told of each reading after the first.
  bool own_cluster = false;       // Its ServiceAccounts are the broker's own cluster's.
  bool require_connector_audience = false;
};

// Reads the file once. A subject of the form system:serviceaccount:NS:NAME names a ServiceAccount.
//
// Fails with kInvalidArgument when issuer or audience is empty or the file holds no usable keys,
// and with kNotFound when the file cannot be read. `clock` outlives the verifier.
[[nodiscard]] Result<std::unique_ptr<CallerVerifier>> MakeLocalVerifier(LocalOptions options,
                                                                        const Clock& clock);

}  // namespace connector::broker::callers
