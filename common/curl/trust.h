#pragma once

// TrustStores: certificate stores for CurlClient, made of the system's CA bundle and a PEM bundle.
// Reading the system's bundle costs some 15 ms and a megabyte, so stores are kept for kTrustLife
// and share its certificates. Deliberately compares bundles whole: one connector's CA never becomes
// another's.

#include "common/base/result.h"

#include <openssl/types.h>

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <utility>

namespace connector::curl {

inline constexpr std::chrono::minutes kTrustLife{10};  // After that the system's bundle is re-read.
inline constexpr std::size_t kMaxTrustStores = 256;

// Not thread-safe: the thread that runs the transfers has it for itself.
class TrustStores {
 public:
  // A store is not changed after it was handed out. `alone`: without the system's certificates.
  // Fails with kInvalidArgument when `ca_pem` is not empty and holds no certificate, or one that
  // does not parse.
  [[nodiscard]] Result<std::shared_ptr<X509_STORE>> Get(const std::string& ca_pem,
                                                        bool alone = false);

 private:
  struct Kept {
    std::shared_ptr<X509_STORE> store;
    std::chrono::steady_clock::time_point until;
  };

  using Key = std::pair<bool, std::string>;  // alone, ca_pem

  [[nodiscard]] Result<std::shared_ptr<X509_STORE>> Build(const Key& key);

  std::map<Key, Kept> kept_;  // The system's alone under {false, ""}.
};

}  // namespace connector::curl
