#pragma once

// EventAggregator: which Events (events.k8s.io/v1) to write for what happens to Connectors. Pure.
//
// The same note within kSeriesWindow makes one Event with a growing series, written again at
// most once per kSeriesInterval; a Connector that changes all the time gets kBurst Events and then
// one per kRefill, and all together kTotalBurst and then one per kTotalRefill. Events are for
// people: what is dropped is in the status.

#include "common/base/clock.h"
#include "common/base/connector_ref.h"
#include "common/resilience/token_bucket.h"

#include <boost/json.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>

namespace connector::controller {

inline constexpr std::chrono::minutes kSeriesWindow{6};
inline constexpr std::chrono::seconds kSeriesInterval{30};
inline constexpr int kBurst = 10;
inline constexpr std::chrono::seconds kRefill{60};
inline constexpr int kTotalBurst = 200;
inline constexpr std::chrono::milliseconds kTotalRefill{100};

struct EventNote {
  ConnectorRef ref;
  std::string uid;
  bool warning = false;
  std::string reason;  // CamelCase
  std::string message;
};

// One write: a new Event, or a merge patch of one.
struct EventWrite {
  bool create = false;
  std::string name;
  boost::json::object body;
};

class EventAggregator {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;

  // `instance` names this process.
  explicit EventAggregator(std::string instance) : instance_(std::move(instance)) {}

  // Absent: nothing is to be written.
  [[nodiscard]] std::optional<EventWrite> Aggregate(const EventNote& note,
                                                    SteadyTime now,
                                                    WallTime wall);

 private:
  using Key = std::tuple<std::string, std::string, std::string>;  // uid, reason, message
  struct Series {
    std::string name;
    SteadyTime last;     // When it happened last.
    SteadyTime written;  // When that was written last.
    std::int64_t count = 1;
  };

  static constexpr double PerSecond(std::chrono::duration<double> refill) {
    return 1 / refill.count();
  }
  [[nodiscard]] bool Allowed(const std::string& uid, SteadyTime now);
  void DropOld(SteadyTime now);

  const std::string instance_;
  std::uint64_t made_ = 0;
  std::map<Key, Series> series_;
  std::map<std::string, resilience::TokenBucket> allowances_;  // By the Connector's uid.
  resilience::TokenBucket total_{PerSecond(kTotalRefill), kTotalBurst};
  SteadyTime dropped_at_{};
};

}  // namespace connector::controller
