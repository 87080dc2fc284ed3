#pragma once

// TokenSource: the broker's cache of minted tokens. Single flight per key, refresh ahead with
// jitter, backoff after failures, a rate limit per token endpoint. What the RPC service and the
// probe ask; they never see a Minter or a store.

#include "broker/connectors/catalog.h"
#include "broker/upstream_auth/minter.h"

namespace connector::broker::upstream_auth {

// Thread-safe.
class TokenSource {
 public:
  virtual ~TokenSource() = default;

  // A token for `scopes` of the entry's connector, minted now or before, with enough life left to
  // be worth handing out. Errors: those of Minter::Mint, and kNotFound or kInvalidArgument with
  // origin kSelf when the stored secret is absent or lacks a key.
  [[nodiscard]] virtual Task<Result<std::shared_ptr<const UpstreamToken>>> Get(
      std::shared_ptr<const connectors::CatalogEntry> entry,
      std::vector<oci::Scope> scopes,
      Deadline deadline) = 0;

  // The data plane saw the registry refuse a token of these scopes: the next Get mints anew (under
  // the rate limit).
  virtual void Forget(const connectors::CatalogEntry& entry,
                      const std::vector<oci::Scope>& scopes) = 0;

 protected:
  TokenSource() = default;
  TokenSource(const TokenSource&) = default;
  TokenSource& operator=(const TokenSource&) = default;
};

}  // namespace connector::broker::upstream_auth
