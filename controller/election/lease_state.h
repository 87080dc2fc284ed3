#pragma once

// LeaseState: the decisions of leader election, as a state machine without clock, socket or thread.
// elector.h moves the bytes.
//
// Why at most one replica writes: a leader writes only until its last successful renewal (the time
// before that request was sent) plus renew_deadline; another one takes the Lease only when it has
// seen its record unchanged for lease_duration, which is longer, by its own steady clock. Both
// are measured on one clock each, so no two clocks are ever compared. Two that try to take it at
// once carry the same resourceVersion, and the API lets one of them win.

#include "common/base/clock.h"
#include "controller/election/lease_record.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace connector::controller::election {

using SteadyTime = std::chrono::steady_clock::time_point;

struct LeaseTimes {
  std::chrono::milliseconds lease_duration{15'000};
  std::chrono::milliseconds renew_deadline{10'000};
  std::chrono::milliseconds renew_period{5'000};  // Of a leader whose renewals succeed.
  std::chrono::milliseconds retry_period{2'000};  // After an attempt that failed.
};

// What is wrong with their order, and what to write instead; empty when nothing is.
[[nodiscard]] std::string LeaseTimesProblem(const LeaseTimes& times);

enum class LeaseMove : std::uint8_t { kWait, kCreate, kTake, kRenew };

struct LeasePlan {
  LeaseMove move = LeaseMove::kWait;
  SteadyTime at{};  // Not before. Of kWait: when to ask again; max() when only a watch can.

  bool operator==(const LeasePlan&) const = default;
};

class LeaseState {
 public:
  // `random` is in [0, 1). `identity` is of this process alone: a record with it is our own work.
  LeaseState(std::string identity, LeaseTimes times, std::function<double()> random);

  // A watch may deliver what is older than our own write. Ignored while we hold the Lease.
  void ObserveWatch(std::optional<ObservedLease> lease, SteadyTime now);
  // The API answered a read just now. A holder other than us ends our lease.
  void ObserveRead(std::optional<ObservedLease> lease, SteadyTime now);
  // A write of ours was accepted; `sent` is from before the request left.
  void Written(ObservedLease lease, SteadyTime sent);
  // It was not, or its answer never came.
  void Failed(SteadyTime now);

  [[nodiscard]] LeasePlan Next(SteadyTime now) const;
  // What to write for a move; `now` is only for people who look at the Lease.
  [[nodiscard]] LeaseRecord RecordFor(LeaseMove move, WallTime now) const;
  // What hands the Lease back.
  [[nodiscard]] LeaseRecord ReleaseRecord(WallTime now) const;

  // Until when we may write. Absent when the Lease is not ours; in the past when it ran out.
  [[nodiscard]] std::optional<SteadyTime> HeldUntil() const { return held_until_; }
  [[nodiscard]] bool Holds(SteadyTime now) const { return held_until_ && now < *held_until_; }
  [[nodiscard]] const std::optional<ObservedLease>& lease() const { return lease_; }

 private:
  void Update(std::optional<ObservedLease> lease, SteadyTime now);
  [[nodiscard]] std::chrono::milliseconds RecordDuration() const;

  const std::string identity_;
  const LeaseTimes times_;
  const std::function<double()> random_;
  std::optional<ObservedLease> lease_;
  SteadyTime seen_at_{};     // Since when the record is as it is.
  SteadyTime renewed_at_{};  // When our last accepted write was sent.
  SteadyTime not_before_{};  // After a failure.
  double jitter_ = 0;        // Drawn anew whenever something happens.
  std::optional<SteadyTime> held_until_;
};

}  // namespace connector::controller::election
