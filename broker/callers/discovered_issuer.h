#pragma once

// DiscoveredIssuer: a verifier whose issuer is discovered while the broker runs. The API server
// names the issuer, and may not answer when the broker starts.

#include "broker/callers/caller_verifier.h"
#include "common/base/result.h"

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace connector::broker::callers {

// Thread-safe.
class DiscoveredIssuer {
 public:
  struct Discovered {
    std::string issuer;
    std::unique_ptr<CallerVerifier> verifier;
    std::chrono::seconds remembered_for{0};  // As in verifier_chain.h.
  };

  void Set(Discovered discovered);
  [[nodiscard]] std::shared_ptr<const Discovered> Get() const;  // Null: not known yet.

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Discovered> discovered_;
};

// Returns the issuer that an API server's /.well-known/openid-configuration names. Fails with
// kUnavailable when `document` is not such a document.
[[nodiscard]] Result<std::string> ReadIssuer(std::string_view document);

}  // namespace connector::broker::callers
