#pragma once

// The audit record: what one decision looks like on disk, and how records are chained. Pure. The
// broker writes records, connectorctl verifies them.
//
// A record is one JSON object on one line. `seq` counts from 1 without gaps; `prev` is the `hash`
// of the record before (64 zeros for the first of all); `hash` is the SHA-256, in hex, of the line
// without its `hash` member. Files are named audit-<first seq, 20 digits>.jsonl; the chain runs on
// from file to file.

#include "common/base/clock.h"
#include "common/base/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace connector::auditlog {

// Never holds a token, a password or any digest of one.
struct Event {
  WallTime time;
  std::string request_id;
  std::string client_address;
  std::string peer;       // SAN of the data plane that asked.
  std::string subject;    // Empty when the caller was not verified.
  std::string connector;  // "namespace/name", or what was asked for.
  std::string scopes;     // "repository:NAME:pull,push", space-separated.
  bool allowed = false;
  std::string rule;    // The rule that matched.
  std::string reason;  // Of a denial: its name, for example ACCESS_DENIED.
  std::string detail;  // Of a denial: the sentence for operators.
  WallTime not_after;  // Of the credential; epoch when none was issued.

  bool operator==(const Event&) const = default;
};

inline constexpr std::size_t kMaxReplicaBytes = 253;

inline constexpr std::string_view kGenesisHash =
    "0000000000000000000000000000000000000000000000000000000000000000";

struct ChainPosition {
  std::uint64_t seq = 0;  // Of the last record; 0 before the first.
  std::string hash = std::string(kGenesisHash);

  bool operator==(const ChainPosition&) const = default;
};

// Where one record stands in the chain, by its own word: its hash holds for the line.
struct Link {
  ChainPosition before;
  ChainPosition at;
  WallTime time;
  std::string replica = {};  // Empty where the record names none.

  bool operator==(const Link&) const = default;
};

// The line of the record that follows `position`, with its line end; moves `position` onto it.
// `replica` names the broker that decided; with none, the record is as older brokers wrote it.
[[nodiscard]] std::string FormatRecord(const Event& event,
                                       ChainPosition& position,
                                       std::string_view replica = {});

// Checks one record (without its line end) on its own: JSON with seq, prev and time,
// and its hash.
[[nodiscard]] Result<Link> ReadLink(std::string_view line);

// Checks that `line` (without its line end) is the record that follows `position` and moves onto
// it; says which. The error says what does not hold: JSON, seq, prev or hash.
[[nodiscard]] Result<Link> FollowRecord(std::string_view line, ChainPosition& position);

}  // namespace connector::auditlog
