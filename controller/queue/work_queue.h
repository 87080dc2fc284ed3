#pragma once

// WorkQueue: which Connector is to be worked on, and when. Pure: no clock, no thread; the caller
// says what time it is. A key stands in it once, is given to one worker at a time, and comes again
// when it was added while it was worked on.

#include "common/base/connector_ref.h"

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace connector::controller {

class WorkQueue {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;

  // Due at `at`, or earlier if it already was.
  void Add(const ConnectorRef& key, SteadyTime at);
  // Due at `at`, whatever was said before.
  void Replace(const ConnectorRef& key, SteadyTime at);
  void Forget(const ConnectorRef& key);
  void Clear();  // Keys that are being worked on stay so.

  // A key that is due and not in work; the one that has waited longest first.
  [[nodiscard]] std::optional<ConnectorRef> Take(SteadyTime now);
  void Finish(const ConnectorRef& key);

  // When Take will return a key; absent when no key waits.
  [[nodiscard]] std::optional<SteadyTime> NextDue() const;
  [[nodiscard]] std::size_t waiting() const { return due_.size() + again_.size(); }
  [[nodiscard]] std::size_t in_work() const { return in_work_.size(); }

 private:
  std::map<ConnectorRef, SteadyTime> due_;
  std::set<std::pair<SteadyTime, ConnectorRef>> order_;  // Of due_.
  std::map<ConnectorRef, SteadyTime> again_;             // Of keys that are being worked on.
  std::set<ConnectorRef> in_work_;
};

}  // namespace connector::controller
