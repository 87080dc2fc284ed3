#pragma once

// TokenSource: the broker's cache of minted tokens. One mint at a time per key, refresh ahead with
// jitter, backoff after failures, a rate per token endpoint that callers share. The API and the
// health check use it; they never see a Minter or a store.

#include "broker/connectors/catalog.h"
#include "broker/upstream_auth/minter.h"

#include <memory>
#include <string>
#include <vector>

namespace connector::broker::upstream_auth {

// Thread-safe.
class TokenSource {
 public:
  virtual ~TokenSource() = default;

  // Returns a token for `scopes` of the entry's connector, new or cached, with enough lifetime left
  // to be useful. `subject` is the verified caller for whom it is wanted, empty for the broker
  // itself: shares are by subject. Errors: those of Minter::Mint; with origin kSelf
  // kResourceExhausted when the caller has its share, and kNotFound or kInvalidArgument when the
  // stored secret is absent or lacks a key.
  [[nodiscard]] virtual Task<Result<std::shared_ptr<const UpstreamToken>>> Get(
      std::shared_ptr<const connectors::CatalogEntry> entry,
      std::vector<oci::Scope> scopes,
      std::string subject,
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
