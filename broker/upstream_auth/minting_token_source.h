#pragma once

// The TokenSource that mints: it reads the stored secret, calls the Minter of the connector's
// auth.name and caches the token. However many callers wait, each key has one mint at a time. A
// caller's deadline ends its own wait and never the mint, which has kMintTimeout. A token ends with
// the lease of its credential. When the registry refuses a leased credential, the lease is revoked
// and the mint repeated once with a new one.

#include "broker/secrets/secret_store.h"
#include "broker/upstream_auth/token_source.h"
#include "common/base/clock.h"

#include <chrono>
#include <functional>
#include <map>
#include <memory>

namespace prometheus {
class Registry;
}

namespace connector::broker::upstream_auth {

inline constexpr std::chrono::seconds kMintTimeout{10};

struct TokenSourceParts {
  secrets::SecretStore& store;
  std::map<resource::AuthKind, std::shared_ptr<Minter>> minters;
  const Clock& clock;
  Executor executor;  // Mints run here.
  prometheus::Registry& metrics;
  // For tests. Empty: a random number in [0, 1), and the steady clock.
  std::function<double()> random;
  std::function<std::chrono::steady_clock::time_point()> now;
};

class MintingTokenSource : public TokenSource {
 public:
  // Refuses new calls with kUnavailable and waits for mints under way, at most kMintTimeout (less
  // when CurlClient::Shutdown was called before). It and every Get must have
  // returned before the destructor runs, unless the executor runs no more.
  [[nodiscard]] virtual Task<Done> Stop() = 0;
};

// What the parts refer to must outlive the source.
[[nodiscard]] std::unique_ptr<MintingTokenSource> MakeTokenSource(TokenSourceParts parts);

}  // namespace connector::broker::upstream_auth
