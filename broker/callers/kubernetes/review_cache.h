#pragma once

// ReviewCache: answers of the API server that are young enough, and the reviews under way that any
// number of callers wait for. Each answer has an end of its own. Refusals are kept apart, so that a
// flood of bad tokens does not drive out good ones.
//
// A key is compared whole: a key that is cut short would give one caller the rights of another.

#include "common/base/clock.h"
#include "common/base/result.h"
#include "common/resilience/expiring_cache.h"
#include "common/resilience/single_flight.h"

#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace connector::broker::callers {

inline constexpr std::size_t kMaxPositives = 16384;
inline constexpr std::size_t kMaxNegatives = 4096;

// Thread-safe. Value is copied to each caller.
template <typename Value>
class ReviewCache {
 public:
  using Answer = Result<Value>;
  using Call = resilience::SharedCall<Answer>;

  // When an answer may be used: a clock that was set back makes it useless.
  struct Lifetime {
    WallTime from;
    WallTime until;
    bool positive = false;
  };

  explicit ReviewCache(std::size_t max_positives = kMaxPositives,
                       std::size_t max_negatives = kMaxNegatives)
      : positives_(max_positives), negatives_(max_negatives) {}

  [[nodiscard]] std::optional<Answer> Find(const std::string& key, WallTime now) {
    const std::lock_guard lock(mutex_);
    return FindLocked(key, now);
  }

  // The review of `key` that is under way, or a new one that the caller has to start and to
  // complete. One that ended since Find is not asked again: its answer is there at once.
  struct Joined {
    std::shared_ptr<Call> call;
    bool start = false;
  };
  [[nodiscard]] Joined Join(const std::string& key, WallTime now) {
    const std::lock_guard lock(mutex_);
    if (auto under_way = reviews_.Join(key)) {
      return {std::move(under_way), false};
    }
    if (std::optional<Answer> known = FindLocked(key, now)) {
      auto ended = std::make_shared<Call>();
      ended->Set(*std::move(known));
      return {std::move(ended), false};
    }
    return {reviews_.Start(key), true};
  }

  // Ends the review of `key`: everyone who waits gets `answer`. With no `lifetime` it is not kept.
  void Complete(const std::string& key, Answer answer, std::optional<Lifetime> lifetime) {
    std::shared_ptr<Call> ended;
    {
      const std::lock_guard lock(mutex_);
      if (lifetime) {
        // A newer answer ends the older of either kind.
        positives_.Erase(key);
        negatives_.Erase(key);
        (lifetime->positive ? positives_ : negatives_)
            .Put(key, answer, {lifetime->from, lifetime->until});
      }
      ended = reviews_.Complete(key);
    }
    ended->Set(std::move(answer));
  }

  // The answer of `call`; kUnavailable when it does not come by `deadline`. `what`: "the token".
  [[nodiscard]] static Task<Answer> Await(std::shared_ptr<Call> call,
                                          std::string what,
                                          Deadline deadline) {
    std::optional<Answer> answer = co_await Call::Wait(std::move(call), deadline);
    if (!answer) {
      co_return MakeError(ErrorCode::kUnavailable,
                          ErrorOrigin::kUpstream,
                          "the API server did not review " + what + " in time",
                          Retry::kSafe);
    }
    co_return *std::move(answer);
  }

 private:
  using Answers = resilience::ExpiringCache<std::string, Answer, WallTime>;

  [[nodiscard]] std::optional<Answer> FindLocked(const std::string& key, WallTime now) const {
    const Answer* found = positives_.Find(key, now);
    found = found == nullptr ? negatives_.Find(key, now) : found;
    return found == nullptr ? std::nullopt : std::optional<Answer>(*found);
  }

  std::mutex mutex_;
  Answers positives_;
  Answers negatives_;
  resilience::SingleFlightGroup<std::string, Answer> reviews_;
};

}  // namespace connector::broker::callers
