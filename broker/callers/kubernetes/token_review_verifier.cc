#include "broker/callers/kubernetes/token_review_verifier.h"

#include "broker/callers/kubernetes/review_cache.h"
#include "broker/callers/kubernetes/token_review.h"
#include "broker/callers/token_check.h"
#include "broker/callers/token_key.h"
#include "common/base/input_error.h"
#include "common/jose/claims.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <exception>
#include <optional>
#include <utility>

namespace connector::broker::callers {
namespace {

// What a review shares with the verifier, and keeps alive until it has ended.
struct TokenReviewContext {
  TokenReviewContext(TokenReviewOptions from, callers::ReviewScheduler& asks, const Clock& now)
      : options(std::move(from)), reviews(asks), clock(now) {}

  const TokenReviewOptions options;
  callers::ReviewScheduler& reviews;
  const Clock& clock;
  callers::ReviewCache<Caller> cache;
};

// Checks the unverified claims. A pass proves nothing; a failure saves a request to the API server.
Result<jose::Claims> Precheck(std::string_view token, const TokenReviewContext& context) {
  auto claims = jose::UnverifiedClaims(token);
  if (!claims) {
    return claims;
  }
  const std::string& audience = context.options.audience;
  const auto& named = claims->audiences;
  if (std::find(named.begin(), named.end(), audience) == named.end()) {
    return Unauthenticated("the token is not for audience " + audience +
                           "; get one that is: " + HowToGetAToken(audience));
  }
  const auto checked = jose::CheckClaims(
      *claims, {.issuer = context.options.issuer, .audience = audience}, context.clock.Now());
  if (!checked) {
    return checked.error();
  }
  if (!ParseServiceAccount(claims->subject)) {
    return Unauthenticated("the token's sub does not name a ServiceAccount");
  }
  return claims;
}

Result<Caller> ToCaller(KubernetesUser user, const jose::Claims& claims, WallTime asked_at) {
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
  return caller;
}

// The age of an answer counts from before the request: the API server may have decided at any
// moment since then.
Task<Result<Caller>> Review(std::shared_ptr<TokenReviewContext> context,
                            std::shared_ptr<const Secret> token,
                            jose::Claims claims,
                            WallTime asked_at) {
  boost::json::object body = TokenReviewOf(token->Reveal(), context->options.audience);
  const Deadline deadline = std::chrono::steady_clock::now() + kReviewTimeout;
  const auto answer =
      co_await context->reviews.Ask(kube::kTokenReviews, claims.subject, std::move(body), deadline);
  if (!answer) {
    Error error = answer.error();
    error.code = ErrorCode::kUnavailable;  // Also a 403 to us: nothing is known about the caller.
    co_return error;
  }
  auto user = ReadTokenReview(*answer, context->options.audience);
  if (!user) {
    co_return user.error();
  }
  co_return ToCaller(*std::move(user), claims, asked_at);
}

void Complete(TokenReviewContext& context,
              const std::string& key,
              Result<Caller> answer,
              WallTime asked_at) {
  std::optional<callers::ReviewCache<Caller>::Lifetime> lifetime;
  if (answer) {
    lifetime = {asked_at, std::min(answer->expires_at, asked_at + context.options.positive), true};
  } else if (answer.error().code == ErrorCode::kUnauthenticated) {
    lifetime = {asked_at, asked_at + context.options.negative, false};
  }
  context.cache.Complete(key, std::move(answer), lifetime);
}

void Start(const std::shared_ptr<TokenReviewContext>& context,
           Executor executor,
           const std::string& key,
           std::pair<std::shared_ptr<const Secret>, jose::Claims> token) {
  const WallTime asked_at = context->clock.Now();
  auto done = [context, key, asked_at](std::exception_ptr failure, Result<Caller> answer) {
    if (failure) {
      answer = MakeError(ErrorCode::kInternal, ErrorOrigin::kSelf, "a TokenReview threw");
    }
    Complete(*context, key, std::move(answer), asked_at);
  };
  asio::co_spawn(executor,
                 Review(context, std::move(token.first), std::move(token.second), asked_at),
                 std::move(done));
}

class TokenReviewVerifier final : public CallerVerifier {
 public:
  explicit TokenReviewVerifier(std::shared_ptr<TokenReviewContext> context)
      : context_(std::move(context)) {}

  Task<Result<Caller>> Verify(const UnverifiedToken& token, Deadline deadline) override {
    const std::string_view bytes = token.UncheckedBytes().Reveal();
    if (bytes.size() > kMaxTokenBytes) {
      co_return Unauthenticated("the token is too long");
    }
    const std::string key = TokenKey(bytes);
    if (auto known = context_->cache.Find(key, context_->clock.Now())) {
      if (context_->options.on_cache_hit) {
        context_->options.on_cache_hit();
      }
      co_return *std::move(known);
    }
    auto claims = Precheck(bytes, *context_);
    if (!claims) {
      co_return std::move(claims).error();
    }
    const auto joined = context_->cache.Join(key, context_->clock.Now());
    if (joined.start) {
      auto copy = std::make_shared<const Secret>(bytes);
      std::pair<std::shared_ptr<const Secret>, jose::Claims> parts(std::move(copy),
                                                                   *std::move(claims));
      Start(context_, co_await asio::this_coro::executor, key, std::move(parts));
    }
    co_return co_await callers::ReviewCache<Caller>::Await(joined.call, "the token", deadline);
  }

 private:
  const std::shared_ptr<TokenReviewContext> context_;
};

}  // namespace

std::unique_ptr<CallerVerifier> MakeTokenReviewVerifier(TokenReviewOptions options,
                                                        callers::ReviewScheduler& reviews,
                                                        const Clock& clock) {
  options.positive = std::min<std::chrono::milliseconds>(options.positive, kMaxPositiveReview);
  options.negative = std::min<std::chrono::milliseconds>(options.negative, kMaxNegativeReview);
  return std::make_unique<TokenReviewVerifier>(
      std::make_shared<TokenReviewContext>(std::move(options), reviews, clock));
}

}  // namespace connector::broker::callers
