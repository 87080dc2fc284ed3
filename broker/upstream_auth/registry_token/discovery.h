#pragma once

// Discovery: finds out with an unauthenticated `GET /v2/` how a registry wants clients to
// authenticate, or with one of a repository where that tells nothing. Keeps the challenges for
// kDiscoveryLife, because they hardly ever change. Never keeps a token, nor whether a realm is
// allowed: realm.h decides that each time.

#include "broker/upstream_auth/minter.h"
#include "broker/upstream_auth/upstream_client.h"
#include "common/oci/challenge.h"
#include "common/resilience/expiring_cache.h"

#include <chrono>
#include <compare>
#include <cstddef>
#include <mutex>
#include <string>
#include <vector>

namespace connector::broker::upstream_auth {

inline constexpr std::chrono::minutes kDiscoveryLife{5};
inline constexpr std::size_t kMaxDiscoveries = 4096;

// Thread-safe.
class Discovery {
 public:
  // Both must outlive this object.
  Discovery(UpstreamClient& client, const Clock& clock) : client_(client), clock_(clock) {}

  // The registry's challenges; empty when it asks for none. Sends no credential.
  // Errors: those of Minter::Mint but kPermissionDenied.
  [[nodiscard]] Task<Result<std::vector<oci::Challenge>>> Challenges(MintRequest request,
                                                                     Deadline deadline);

  // Call it when a mint failed: the challenges may have changed, so the next call asks again.
  void Forget(const MintRequest& request);

 private:
  // All that the answer depends on, compared whole.
  struct Key {
    ConnectorRef ref;
    http::Origin address;
    std::string ca_pem;

    auto operator<=>(const Key&) const = default;
  };

  // Of `/v2/`; where that tells nothing, of a manifest of the first scope's repository.
  [[nodiscard]] Task<Result<std::vector<oci::Challenge>>> Ask(MintRequest request,
                                                              Deadline deadline);
  [[nodiscard]] Task<Result<curl::CurlResponse>> Get(MintRequest request,
                                                     std::string path,
                                                     Deadline deadline);
  static Key KeyOf(const MintRequest& request);

  UpstreamClient& client_;
  const Clock& clock_;
  std::mutex mutex_;
  resilience::ExpiringCache<Key, std::vector<oci::Challenge>, WallTime> cache_{kMaxDiscoveries};
};

}  // namespace connector::broker::upstream_auth
