#pragma once

// A Lease (coordination.k8s.io/v1), as far as leader election reads and writes it. Pure.

#include <boost/json.hpp>

#include <cstdint>
#include <string>

namespace connector::controller::election {

// Times are as sent, and only compared for equality: no other clock is trusted.
struct LeaseRecord {
  std::string holder{};  // Empty: nobody.
  std::int64_t duration_seconds = 0;
  std::string acquire_time{};
  std::string renew_time{};
  std::int64_t transitions = 0;

  bool operator==(const LeaseRecord&) const = default;
};

struct ObservedLease {
  LeaseRecord record;
  std::string resource_version;

  bool operator==(const ObservedLease&) const = default;
};

// What is absent is empty or 0, as the API means it.
[[nodiscard]] LeaseRecord ReadLease(const boost::json::object& lease);

// A body to create a Lease with, or to patch one. With a `resource_version`, the API refuses the
// patch (kConflict) when anybody has written since.
[[nodiscard]] boost::json::object WriteLease(const std::string& name,
                                             const LeaseRecord& record,
                                             const std::string& resource_version);

}  // namespace connector::controller::election
