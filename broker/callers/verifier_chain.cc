#include "broker/callers/verifier_chain.h"

#include "broker/callers/verified_cache.h"
#include "common/jose/claims.h"

#include <openssl/evp.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

namespace connector::broker::callers {
namespace {

using Verifiers = std::map<std::string, IssuerVerifier, std::less<>>;

constexpr std::chrono::seconds kRetryLater{5};

std::optional<TokenDigest> DigestOf(std::string_view token) {
  TokenDigest digest{};
  unsigned size = 0;
  if (EVP_Digest(token.data(), token.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1 ||
      size != digest.size()) {
    return std::nullopt;
  }
  return digest;
}

class VerifierChain final : public CallerVerifier {
 public:
  VerifierChain(Verifiers verifiers,
                const Clock& clock,
                VerifyObserver observer,
                std::shared_ptr<const DiscoveredIssuer> discovered)
      : verifiers_(std::move(verifiers)),
        clock_(clock),
        observer_(std::move(observer)),
        discovered_(std::move(discovered)) {}

  Task<Result<Caller>> Verify(const UnverifiedToken& token, Deadline deadline) override {
    const std::string_view bytes = token.UncheckedBytes().Reveal();
    if (bytes.empty() || bytes.size() > kMaxTokenBytes) {
      co_return Refuse(VerifyOutcome::kTooLong, "the token is empty or too long");
    }
    const auto digest = DigestOf(bytes);
    if (!digest) {
      co_return MakeError(ErrorCode::kInternal, ErrorOrigin::kSelf, "SHA-256 failed");
    }
    if (const auto known = cache_.Find(*digest, clock_.Now())) {
      Report(VerifyOutcome::kAcceptedFromCache);
      co_return *known;
    }
    const auto issuer = jose::UnverifiedIssuer(bytes);
    if (!issuer) {
      co_return Refuse(VerifyOutcome::kMalformed, issuer.error().message);
    }
    std::shared_ptr<const DiscoveredIssuer::Discovered> discovered;  // Kept while it verifies.
    if (discovered_ && !verifiers_.contains(*issuer)) {
      discovered = co_await discovered_->FindOrLearn(*issuer, deadline);
    }
    const Responsible responsible = ResponsibleFor(*issuer, discovered.get());
    if (responsible.verifier == nullptr) {
      co_return discovered_ && !discovered_->Get()
          ? NotKnownYet()
          : Refuse(VerifyOutcome::kUnknownIssuer, "the token's issuer is not trusted");
    }
    auto caller = co_await responsible.verifier->Verify(token, deadline);
    if (!caller) {
      Report(caller.error().code == ErrorCode::kUnauthenticated ? VerifyOutcome::kRefused
                                                                : VerifyOutcome::kUnavailable);
      co_return caller;
    }
    if (responsible.remembered_for.count() > 0) {
      const WallTime now = clock_.Now();
      const auto remembered_for = std::min(responsible.remembered_for, kVerifiedFor);
      cache_.Put(*digest, *caller, now, std::min(caller->expires_at, now + remembered_for));
    }
    Report(VerifyOutcome::kAccepted);
    co_return caller;
  }

 private:
  struct Responsible {
    CallerVerifier* verifier = nullptr;
    std::chrono::seconds remembered_for{0};
  };
  [[nodiscard]] Responsible ResponsibleFor(const std::string& issuer,
                                           const DiscoveredIssuer::Discovered* discovered) const {
    const auto found = verifiers_.find(issuer);
    if (found != verifiers_.end()) {
      return {found->second.verifier.get(), found->second.remembered_for};
    }
    if (discovered != nullptr) {
      return {discovered->verifier.get(), discovered->remembered_for};
    }
    return {};
  }

  [[nodiscard]] Error NotKnownYet() const {
    Report(VerifyOutcome::kUnavailable);
    Error error = MakeError(ErrorCode::kUnavailable,
                            ErrorOrigin::kUpstream,
                            "the API server has not told its issuer yet",
                            Retry::kSafe);
    error.retry_after = kRetryLater;
    return error;
  }

  void Report(VerifyOutcome outcome) const {
    if (observer_) {
      observer_(outcome);
    }
  }

  Error Refuse(VerifyOutcome outcome, std::string why) const {
    Report(outcome);
    return MakeError(ErrorCode::kUnauthenticated, ErrorOrigin::kClient, std::move(why));
  }

  const Verifiers verifiers_;
  const Clock& clock_;
  const VerifyObserver observer_;
  const std::shared_ptr<const DiscoveredIssuer> discovered_;
  VerifiedCache cache_;
};

}  // namespace

std::string_view ToString(VerifyOutcome outcome) {
  switch (outcome) {
    case VerifyOutcome::kAccepted:
      return "accepted";
    case VerifyOutcome::kAcceptedFromCache:
      return "accepted_from_cache";
    case VerifyOutcome::kTooLong:
      return "too_long";
    case VerifyOutcome::kMalformed:
      return "malformed";
    case VerifyOutcome::kUnknownIssuer:
      return "unknown_issuer";
    case VerifyOutcome::kRefused:
      return "refused";
    case VerifyOutcome::kUnavailable:
      return "unavailable";
  }
  return "unknown";
}

Result<std::unique_ptr<CallerVerifier>> MakeVerifierChain(
    std::vector<IssuerVerifier> verifiers,
    const Clock& clock,
    VerifyObserver observer,
    std::shared_ptr<const DiscoveredIssuer> discovered) {
  Verifiers by_issuer;
  for (IssuerVerifier& each : verifiers) {
    const std::string issuer = each.issuer;
    const auto [place, added] = by_issuer.emplace(issuer, std::move(each));
    if (!added) {
      return MakeError(ErrorCode::kInvalidArgument,
                       ErrorOrigin::kSelf,
                       "two verifiers for issuer \"" + issuer + "\"");
    }
  }
  return std::unique_ptr<CallerVerifier>(std::make_unique<VerifierChain>(
      std::move(by_issuer), clock, std::move(observer), std::move(discovered)));
}

}  // namespace connector::broker::callers
