#pragma once

// SharedReview: asks the API server about one thing, and lets everyone who asks the same share the
// answer. Callers who come at once wait for one review; its answer serves until its end. Every kind
// of review (of a token, of an access) uses it, so that this order stands in one place: look, join,
// start, await.

#include "broker/callers/kubernetes/review_cache.h"
#include "common/async/task.h"
#include "common/base/clock.h"
#include "common/base/result.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace connector::broker::callers {

// Thread-safe. A review runs on the executor of the Ask that started it, and may outlive whoever
// asked; it keeps this object alive.
template <typename Value>
class SharedReview : public std::enable_shared_from_this<SharedReview<Value>> {
 public:
  using Answer = Result<Value>;
  using Lifetime = typename ReviewCache<Value>::Lifetime;
  // One review, not started yet. `asked_at`: the age of the answer counts from here, before the
  // request, because the API server may have decided at any moment since then.
  using Review = std::function<Task<Answer>(WallTime asked_at)>;

  struct Options {
    std::string subject;  // For errors: "the token".
    // How long an answer serves; none: it is not kept.
    std::function<std::optional<Lifetime>(const Answer& answer, WallTime asked_at)> lifetime;
    std::function<void()> on_cache_hit = {};  // For metrics. Empty: nobody listens.
  };

  // `clock` outlives the executor's work.
  SharedReview(Options options, const Clock& clock) : options_(std::move(options)), clock_(clock) {}

  // An answer that still serves.
  [[nodiscard]] std::optional<Answer> Find(const std::string& key) {
    std::optional<Answer> known = cache_.Find(key, clock_.Now());
    if (known && options_.on_cache_hit) {
      options_.on_cache_hit();
    }
    return known;
  }

  // The answer to `key`, by the review that is under way or by `review`. Fails with kUnavailable
  // when there is none by `deadline`; the review goes on then.
  [[nodiscard]] Task<Answer> Ask(std::string key, Review review, Deadline deadline) {
    const WallTime now = clock_.Now();
    const auto joined = cache_.Join(key, now);
    if (joined.start) {
      auto done = [self = this->shared_from_this(), key, now](std::exception_ptr failure,
                                                              Answer answer) {
        if (failure) {
          answer = MakeError(ErrorCode::kInternal,
                             ErrorOrigin::kSelf,
                             "the review of " + self->options_.subject + " threw");
        }
        const auto lifetime = self->options_.lifetime(answer, now);
        self->cache_.Complete(key, std::move(answer), lifetime);
      };
      const Executor executor = co_await asio::this_coro::executor;
      asio::co_spawn(executor, review(now), std::move(done));
    }
    co_return co_await ReviewCache<Value>::Await(joined.call, options_.subject, deadline);
  }

 private:
  const Options options_;
  const Clock& clock_;
  ReviewCache<Value> cache_;
};

}  // namespace connector::broker::callers
