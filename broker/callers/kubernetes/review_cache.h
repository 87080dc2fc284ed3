#pragma once

// ReviewCache: answers of the API server that are young enough, and the reviews under way that any
// number of callers wait for. Each answer has an end of its own; the cache is bounded by number
// too, the oldest going first, and refusals are kept apart, so that a flood of bad tokens does not
// drive out good ones.
//
// A key is compared whole: a key that is cut short would give one caller the rights of another.

#include "common/async/one_shot.h"
#include "common/base/clock.h"
#include "common/base/result.h"

#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

namespace connector::broker::callers {

inline constexpr std::size_t kMaxPositives = 16384;
inline constexpr std::size_t kMaxNegatives = 4096;

// Thread-safe. Value is copied to each caller.
template <typename Value>
class ReviewCache {
 public:
  using Answer = Result<Value>;
  using Flight = OneShot<Answer>;

  // When an answer may be used: a clock that was set back makes it useless.
  struct Life {
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

  // The review of `key` that is under way, or a new one that the caller has to start and to land.
  // One that landed since Find is not asked again: its answer is there at once.
  struct Joined {
    std::shared_ptr<Flight> flight;
    bool start = false;
  };
  [[nodiscard]] Joined Join(const std::string& key, WallTime now) {
    const std::lock_guard lock(mutex_);
    const auto under_way = flights_.find(key);
    if (under_way != flights_.end()) {
      return {under_way->second, false};
    }
    auto flight = std::make_shared<Flight>();
    if (std::optional<Answer> known = FindLocked(key, now)) {
      flight->Set(*std::move(known));
      return {std::move(flight), false};
    }
    flights_.emplace(key, flight);
    return {std::move(flight), true};
  }

  // Ends the review of `key`: everyone who waits gets `answer`. With no `life` it is not kept.
  void Land(const std::string& key, Answer answer, std::optional<Life> life) {
    std::shared_ptr<Flight> flight;
    {
      const std::lock_guard lock(mutex_);
      if (life) {
        // A newer answer ends the older of either kind.
        positives_.Forget(key);
        negatives_.Forget(key);
        (life->positive ? positives_ : negatives_).Put(key, {answer, *life});
      }
      const auto found = flights_.find(key);
      flight = std::move(found->second);
      flights_.erase(found);
    }
    flight->Set(std::move(answer));
  }

  // The answer of `flight`; kUnavailable when it does not land by `deadline`. `what`: "the token".
  [[nodiscard]] static Task<Answer> Await(std::shared_ptr<Flight> flight,
                                          std::string what,
                                          Deadline deadline) {
    std::optional<Answer> answer = co_await Flight::Wait(std::move(flight), deadline);
    if (!answer) {
      co_return MakeError(ErrorCode::kUnavailable,
                          ErrorOrigin::kUpstream,
                          "the API server did not review " + what + " in time",
                          Retry::kSafe);
    }
    co_return *std::move(answer);
  }

  [[nodiscard]] std::size_t size() {
    const std::lock_guard lock(mutex_);
    return positives_.size() + negatives_.size();
  }

 private:
  struct Entry {
    Answer answer;
    Life life;
  };

  class Kept {
   public:
    explicit Kept(std::size_t max) : max_(max) {}

    std::optional<Answer> Find(const std::string& key, WallTime now) const {
      const auto found = entries_.find(key);
      if (found == entries_.end() || now < found->second.life.from ||
          now >= found->second.life.until) {
        return std::nullopt;
      }
      return found->second.answer;
    }
    void Put(const std::string& key, Entry entry) {
      const bool added = entries_.insert_or_assign(key, std::move(entry)).second;
      if (added) {
        order_.push_back(key);
      }
      while (order_.size() > max_) {
        entries_.erase(order_.front());
        order_.pop_front();
      }
    }
    void Forget(const std::string& key) {
      const auto found = entries_.find(key);
      if (found != entries_.end()) {
        found->second.life.until = found->second.life.from;
      }
    }
    [[nodiscard]] std::size_t size() const { return entries_.size(); }

   private:
    std::size_t max_;
    std::unordered_map<std::string, Entry> entries_;
    std::deque<std::string> order_;  // Exactly the keys of `entries_`, oldest first.
  };

  [[nodiscard]] std::optional<Answer> FindLocked(const std::string& key, WallTime now) const {
    std::optional<Answer> found = positives_.Find(key, now);
    return found ? found : negatives_.Find(key, now);
  }

  std::mutex mutex_;
  Kept positives_;
  Kept negatives_;
  std::unordered_map<std::string, std::shared_ptr<Flight>> flights_;
};

}  // namespace connector::broker::callers
