#pragma once

// RefusalBudget: how many refusals become records. A caller can cause them as often as it asks, and
// the disk is everybody's. Of callers whom nobody could verify (by source address), and of known
// ones who ask too often or are on the deny list (by subject), a few a minute; of known callers who
// ask for what they may not have, two hundred. The rest is counted, and one record for each
// source says how many there were. No record of an unverified caller holds text of its choice.
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
// Of one known caller: about 120 KiB a minute.
inline constexpr std::size_t kDenialsPerSubject = 200;
inline constexpr std::size_t kMaxDeniedSubjects = 256;  // All others together count as one more.
inline constexpr std::chrono::seconds kRefusalPeriod{60};
inline constexpr std::size_t kMaxRefusalDetailBytes = 200;

// The address of "IP:PORT" or "[IPv6]:PORT" without its port; of IPv6 its /64 ("2001:db8::/64"),
// because one client has all of that. "unknown" for anything else.
[[nodiscard]] std::string SourceOf(std::string_view client_address);

// Whether the budget is asked: a refusal that a caller caused.
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

  struct Group {
    std::size_t records_each = 0;
    std::size_t max_sources = 0;
    std::map<std::string, Account> sources = {};  // Key kOthers: all that found no place.
  };

  void Summarize(const Group& group, WallTime now, std::vector<auditlog::Event>& records) const;

  std::optional<WallTime> began_;
  Group few_{kRecordsPerSource, kMaxSources};  // Where nobody's right was decided.
  Group denials_{kDenialsPerSubject, kMaxDeniedSubjects};
  std::uint64_t counted_ = 0;
};

}  // namespace connector::broker::audit
