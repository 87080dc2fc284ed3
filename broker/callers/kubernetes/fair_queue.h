#pragma once

// FairQueue: who may ask the API server next. Pure: a state machine over tickets and times.
//
// Three limits: so many reviews per second (with a burst of one second's worth), so many under way,
// so many that wait. Those that wait are served workload by workload in turn, so that one noisy
// workload delays itself and nobody else. A workload may have as many places as are still free.
//
// That holds for workloads that somebody verified. Claims that nobody could verify have a lane of
// their own, where a workload is the address that they come from: they are served when no verified
// one waits, and never fill the places of those.

#include "common/resilience/token_bucket.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>

namespace connector::broker::callers {

struct FairQueueOptions {
  double per_second = 200;
  std::size_t max_under_way = 64;
  std::size_t max_queued_per_workload = 1024;  // If so many are still free.
  std::size_t max_queued = 8192;
  // Of the lane of unverified claims.
  std::size_t max_unverified_under_way = 16;
  std::size_t max_unverified_queued = 1024;
};

enum class Lane : std::uint8_t {
  kVerified,    // The signature of its token was checked, or the token was accepted before.
  kUnverified,  // What the token says of its workload is a claim.
};

enum class Joined : std::uint8_t {
  kQueued,
  kWorkloadFull,  // This workload has its share of the places.
  kFull,          // All of its lane together have.
};

// Not thread-safe.
class FairQueue {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Ticket = std::uint64_t;

  FairQueue(FairQueueOptions options, Time now);

  struct Place {
    Joined joined = Joined::kFull;
    Ticket ticket = 0;  // Only where it is queued.
  };
  [[nodiscard]] Place Join(const std::string& workload, Lane lane = Lane::kVerified);

  // Takes the next ticket out of the queue, whose review is then under way; none: not yet.
  [[nodiscard]] std::optional<Ticket> Next(Time now);
  // When Next will give one though nothing else happens; none: nobody waits, or it takes an End.
  [[nodiscard]] std::optional<Time> NextAt(Time now) const;

  // Whoever held the ticket waits no longer. False when its review is under way already.
  bool Leave(Ticket ticket);
  // One review of the lane that was under way has ended.
  void End(Lane lane = Lane::kVerified);

  [[nodiscard]] std::size_t queued() const { return queued_.size(); }
  // How long those that wait will take at the ceiling, at least a second.
  [[nodiscard]] std::chrono::seconds Backlog() const;

 private:
  struct Workload {
    std::deque<Ticket> tickets;
  };
  struct Waiting {
    std::map<std::string, Workload> workloads;  // Exactly those with tickets.
    std::list<std::string> turns;               // Their names; the first is next.
    std::size_t queued = 0;
    std::size_t under_way = 0;
  };
  struct Queued {
    std::string workload;
    Lane lane;
  };

  [[nodiscard]] Waiting& Of(Lane lane) { return lanes_[static_cast<std::size_t>(lane)]; }
  [[nodiscard]] std::size_t MaxQueued(Lane lane) const;
  // The lane whose turn it is; none: nobody waits, or it takes an End.
  [[nodiscard]] std::optional<Lane> NextLane() const;

  const FairQueueOptions options_;
  resilience::TokenBucket rate_;
  Ticket last_ticket_ = 0;
  std::array<Waiting, 2> lanes_;
  std::unordered_map<Ticket, Queued> queued_;
};

}  // namespace connector::broker::callers
