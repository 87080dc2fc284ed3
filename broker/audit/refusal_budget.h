#pragma once

// RefusalBudget: how many refusals become records, of those that a caller can cause as often as it
// asks: of callers whom nobody could verify, by source address, and of known callers who asked too
// often or are on the deny list, by subject. What they make durable is bounded: a few records for
// each source in a minute, for a bounded number of sources. The rest is counted, and one record for
// each source says how many there were. No record of an unverified caller holds text of its choice.
//
// A state machine without a clock. Not thread-safe.

#include "common/auditlog/record.h"
#include "common/base/clock.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace connector::broker::audit {

// Together under 200 KiB a minute: 33 sources, 6 records each, under 1 KiB a record.
inline constexpr std::size_t kRecordsPerSource = 5;
inline constexpr std::size_t kMaxSources = 32;  // All others together count as one more.
inline constexpr std::chrono::seconds kRefusalPeriod{60};
inline constexpr std::size_t kMaxRefusalDetailBytes = 200;

// The address of "IP:PORT" or "[IPv6]:PORT" without its port; of IPv6 its /64 ("2001:db8::/64"),
// because one client has all of that. "unknown" for anything else.
[[nodiscard]] std::string SourceOf(std::string_view client_address);

// Where nobody's right was decided: no caller was verified, or one that asked too often, or one
// that the deny list names.
[[nodiscard]] bool IsCountedRefusal(const auditlog::Event& event);

class RefusalBudget {
 public:
  // The record for such a refusal; none when it is only counted.
  [[nodiscard]] std::optional<auditlog::Event> Take(auditlog::Event event);

  // Once the period is over: a record for each source of which more were counted. Forgets all.
  [[nodiscard]] std::vector<auditlog::Event> CloseIfOver(WallTime now);
  // At once, for the end.
  [[nodiscard]] std::vector<auditlog::Event> Close(WallTime now);

  [[nodiscard]] std::uint64_t counted() const { return counted_; }  // Since the start.

 private:
  struct Account {
    bool of_subject = false;
    std::size_t records = 0;
    std::map<std::string, std::uint64_t> counted;  // By reason, of which there are few.
  };

  std::optional<WallTime> began_;
  std::map<std::string, Account> sources_;  // Key kOthers: all that found no place.
  std::uint64_t counted_ = 0;
};

}  // namespace connector::broker::audit
