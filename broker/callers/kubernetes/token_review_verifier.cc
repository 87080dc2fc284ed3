#include "broker/callers/kubernetes/token_review_verifier.h"

#include "broker/callers/kubernetes/shared_review.h"
#include "broker/callers/kubernetes/token_review.h"
#include "broker/callers/token_check.h"
#include "broker/callers/token_key.h"
#include "common/base/input_error.h"
#include "common/base/secret_place.h"
#include "common/jose/claims.h"
#include "common/jose/jws.h"
#include "common/resilience/expiring_cache.h"

#include <algorithm>
#include <mutex>
#include <optional>
#include <utility>

namespace connector::broker::callers {
namespace {

using Reviews = SharedReview<Caller>;

constexpr std::size_t kMaxAccepted = 16384;

// One review's question.
struct Question {
  Secret token;
  jose::Claims claims;
  OurAudiences audiences;
  Lane lane = Lane::kUnverified;
  std::string workload;  // Whose turn it takes: what an unverified token claims divides nothing.
};

// Checks the claims, which nobody has verified yet. A pass proves nothing.
Result<OurAudiences> Precheck(const jose::Claims& claims, const TokenRules& rules, WallTime now) {
  if (!FindAudiences(claims.audiences, rules.audience)) {
    return Unauthenticated("the token is not for audience " + rules.audience +
                           "; get one that is: " + HowToGetAToken(rules.audience));
  }
  auto audiences = CheckRules(claims, rules, now);
  if (audiences && !ParseServiceAccount(claims.subject)) {
    return Unauthenticated("the token's sub does not name a ServiceAccount");
  }
  return audiences;
}

Result<Caller> ToCaller(KubernetesUser user, const Question& question, WallTime asked_at) {
  const jose::Claims& claims = question.claims;
  if (user.username != claims.subject) {
    return Unauthenticated("the API server takes the token for another than its sub");
  }
  Caller caller{claims.issuer,
                claims.subject,
                ParseServiceAccount(user.username),
                claims.texts,
                *claims.expires_at};
  caller.kubernetes_user = std::move(user);
  caller.caller_checked_at = asked_at;
  caller.any_connector = question.audiences.any_connector;
  caller.connectors = question.audiences.connectors;
  return caller;
}

Task<Result<Caller>> Review(ReviewScheduler* scheduler,
                            std::shared_ptr<const Question> question,
                            WallTime asked_at) {
  const std::vector<std::string>& audiences = question->audiences.named;
  boost::json::object body = TokenReviewOf(question->token.Reveal(), audiences);
  const Deadline deadline = std::chrono::steady_clock::now() + kReviewTimeout;
  const auto answer = co_await scheduler->Ask(
      kube::kTokenReviews, question->workload, std::move(body), deadline, question->lane);
  if (!answer) {
    Error error = answer.error();
    error.code = ErrorCode::kUnavailable;  // Also a 403 to us: nothing is known about the caller.
    co_return error;
  }
  auto user = ReadTokenReview(*answer, audiences);
  if (!user) {
    co_return user.error();
  }
  co_return ToCaller(*std::move(user), *question, asked_at);
}

Reviews::Options OptionsOf(TokenReviewOptions from) {
  Reviews::Options options;
  options.subject = "the token";
  options.on_cache_hit = std::move(from.on_cache_hit);
  options.lifetime = [positive = from.positive, negative = from.negative](
                         const Reviews::Answer& answer,
                         WallTime asked_at) -> std::optional<Reviews::Lifetime> {
    if (answer) {
      return Reviews::Lifetime{asked_at, std::min(answer->expires_at, asked_at + positive), true};
    }
    if (answer.error().code == ErrorCode::kUnauthenticated) {
      return Reviews::Lifetime{asked_at, asked_at + negative, false};
    }
    return std::nullopt;
  };
  return options;
}

class TokenReviewVerifier final : public CallerVerifier {
 public:
  TokenReviewVerifier(TokenReviewOptions options,
                      std::shared_ptr<IssuerKeys> keys,
                      ReviewScheduler& scheduler,
                      const Clock& clock)
      : rules_{options.issuer,
               options.audience,
               SubjectRule::kAlwaysServiceAccount,
               ClusterRule::kOwnCluster,
               options.require_connector_audience},
        keys_(std::move(keys)),
        scheduler_(scheduler),
        clock_(clock),
        reviews_(std::make_shared<Reviews>(OptionsOf(std::move(options)), clock)) {}

  Task<Result<Caller>> Verify(const UnverifiedToken& token, Deadline deadline) override {
    const std::string_view bytes = token.UncheckedBytes().Reveal();
    if (bytes.size() > kMaxTokenBytes) {
      co_return Unauthenticated("the token is too long");
    }
    const std::string key = TokenKey(bytes);
    if (auto known = reviews_->Find(key)) {
      co_return *std::move(known);
    }
    auto claims = jose::UnverifiedClaims(bytes);
    if (!claims) {
      co_return claims.error();
    }
    auto audiences = Precheck(*claims, rules_, clock_.Now());
    if (!audiences) {
      co_return audiences.error();
    }
    const Result<Lane> lane = co_await LaneOf(bytes, key, deadline);
    if (!lane) {
      co_return lane.error();
    }
    std::string workload = *lane == Lane::kVerified ? claims->subject : token.source();
    auto question = std::make_shared<const Question>(Question{ForeignSecret(bytes),
                                                              *std::move(claims),
                                                              *std::move(audiences),
                                                              *lane,
                                                              std::move(workload)});
    Reviews::Review review = [scheduler = &scheduler_, question](WallTime asked_at) {
      return Review(scheduler, question, asked_at);
    };
    Result<Caller> caller = co_await reviews_->Ask(key, std::move(review), deadline);
    if (caller) {
      Remember(key, caller->expires_at);
    }
    co_return caller;
  }

 private:
  // Whose turn the token may take. A forged one gets none where the keys are known.
  Task<Result<Lane>> LaneOf(std::string_view bytes, std::string key, Deadline deadline) {
    std::function<Result<Done>(const jose::JwkSet&)> check = [bytes](const jose::JwkSet& keys) {
      const auto payload = jose::VerifyCompact(bytes, keys);
      return payload ? Result<Done>(Done{}) : Result<Done>(payload.error());
    };
    const Result<Done> checked = co_await keys_->Check(std::move(check), deadline);
    if (checked) {
      co_return Lane::kVerified;
    }
    if (checked.error().code != ErrorCode::kUnavailable) {
      co_return checked.error();
    }
    co_return WasAccepted(key) ? Lane::kVerified : Lane::kUnverified;
  }

  bool WasAccepted(const std::string& key) {
    const std::lock_guard lock(mutex_);
    return accepted_.Find(key, clock_.Now()) != nullptr;
  }
  void Remember(const std::string& key, WallTime until) {
    const std::lock_guard lock(mutex_);
    accepted_.Put(key, true, {clock_.Now(), until});
  }

  const TokenRules rules_;
  const std::shared_ptr<IssuerKeys> keys_;
  ReviewScheduler& scheduler_;
  const Clock& clock_;
  const std::shared_ptr<Reviews> reviews_;
  std::mutex mutex_;
  resilience::ExpiringCache<std::string, bool, WallTime> accepted_{kMaxAccepted};
};

}  // namespace

std::unique_ptr<CallerVerifier> MakeTokenReviewVerifier(TokenReviewOptions options,
                                                        std::shared_ptr<IssuerKeys> keys,
                                                        callers::ReviewScheduler& reviews,
                                                        const Clock& clock) {
  options.positive = std::min<std::chrono::milliseconds>(options.positive, kMaxPositiveReview);
  options.negative = std::min<std::chrono::milliseconds>(options.negative, kMaxNegativeReview);
  return std::make_unique<TokenReviewVerifier>(std::move(options), std::move(keys), reviews, clock);
}

}  // namespace connector::broker::callers
