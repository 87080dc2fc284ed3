#pragma once

// Ledger: the issuer's record. Every grant gets a credential of its own, so that each request that
// an upstream saw names the grant that authorized it, and FaultOf can say whether the two agree.

#include "common/oci/reference.h"
#include "dataplane/token/grant.h"
#include "tests/integration/dataplane/framing/registry.h"

#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace connector::framing {

// Allows everything in connector default/harbor (also as the mirror of harbor.example.com), but for
// repositories under "secret/".
class Ledger {
 public:
  struct Entry {
    std::string caller;
    std::string client_address;
    std::vector<oci::Scope> scopes;
  };

  [[nodiscard]] dataplane::token::GrantResult Answer(
      const dataplane::token::GrantRequest& grant_request);
  // The grant whose credential stands in `authorization`, a field's value.
  [[nodiscard]] std::optional<Entry> Find(const std::string& authorization) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, Entry> entries_;
};

// What a request to a registry needs, read from the request alone; nullopt when it is none that
// this product sends: an unknown path, a name outside the grammar, a query key that the operation
// does not have or that stands twice.
[[nodiscard]] std::optional<std::vector<oci::Scope>> NeededScopes(const Registry& registry,
                                                                  const Message& message);

// Why the request must not have arrived; empty when it may. `anonymous_blobs`: a GET of a blob or
// of a path that is no registry's may come without a credential, as after a redirect.
[[nodiscard]] std::string FaultOf(const Registry& registry,
                                  const Ledger& ledger,
                                  const Seen& seen,
                                  bool anonymous_blobs = false);

}  // namespace connector::framing
