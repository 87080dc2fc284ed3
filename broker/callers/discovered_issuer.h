#pragma once

// DiscoveredIssuer: verifiers whose issuers are discovered while the broker runs. The API server
// names its issuer, may not answer when the broker starts, and may be given another one later; it
// then accepts tokens of both for a while, and so the last few stay.

#include "broker/callers/caller_verifier.h"
#include "common/async/task.h"
#include "common/base/result.h"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace connector::broker::callers {

inline constexpr std::size_t kMaxDiscoveredIssuers = 4;

// Thread-safe.
class DiscoveredIssuer {
 public:
  struct Discovered {
    std::string issuer;
    std::unique_ptr<CallerVerifier> verifier;
    std::chrono::seconds remembered_for{0};  // As in verifier_chain.h.
  };
  // Asks again, where that is due; returns when the answer is there or the deadline has come.
  using LearnAgain = std::function<Task<Done>(Deadline deadline)>;

  DiscoveredIssuer() = default;
  explicit DiscoveredIssuer(LearnAgain learn_again) : learn_again_(std::move(learn_again)) {}

  // The newest. False: it is known already, and its verifier stays.
  bool Set(Discovered discovered);
  [[nodiscard]] std::shared_ptr<const Discovered> Get() const;  // The newest; null: none is known.
  [[nodiscard]] std::shared_ptr<const Discovered> Find(std::string_view issuer) const;
  // The same, after the API server was asked again where it is not known. What asks for it is a
  // claim that nobody has verified: `learn_again` bounds how often that counts.
  [[nodiscard]] Task<std::shared_ptr<const Discovered>> FindOrLearn(std::string issuer,
                                                                    Deadline deadline) const;

 private:
  const LearnAgain learn_again_;
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<const Discovered>> discovered_;  // The newest first.
};

// Returns the issuer that an API server's /.well-known/openid-configuration names. Fails with
// kUnavailable when `document` is not such a document.
[[nodiscard]] Result<std::string> ReadIssuer(std::string_view document);

}  // namespace connector::broker::callers
