#pragma once

// The audit record: what one decision looks like on disk, and how records are chained. Pure. The
// broker writes records, connectorctl verifies them.
//
// A record is one JSON object on one line. `seq` counts from 1 without gaps; `prev` is the `hash`
// of the record before (64 zeros for the first of all); `key` is the id of the chain's key; `hash`
// is the HMAC-SHA-256 under it, in hex, of the line without its `hash` member (chain_key.h). Files
// are named audit-<first seq, 20 digits>.jsonl; the chain runs on from file to file.
//
// Records of version 0.1.0 have no `key`, and a plain SHA-256 as `hash`: whoever could write the
// volume could make them anew. They are read, and told apart. None may follow a keyed record, whose
// `prev` fixes all that stands before it.

#include "common/auditlog/chain_key.h"
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

// Reasons of the broker's own records (docs/logs.md).
inline constexpr std::string_view kAuditLost = "AUDIT_LOST";

struct ChainPosition {
  std::uint64_t seq = 0;  // Of the last record; 0 before the first.
  std::string hash = std::string(kGenesisHash);
  bool keyed = false;  // Only keyed records may follow.

  bool operator==(const ChainPosition&) const = default;
};

enum class Proof : std::uint8_t {
  kKeyed,       // The hash holds under a key that the reader has.
  kUnkeyed,     // A plain hash holds, which anybody can make.
  kUnknownKey,  // Keyed, but the reader has not that key: the hash was not checked.
};

// Where one record stands in the chain, by its own word.
struct Link {
  ChainPosition before;  // `keyed` is not known here.
  ChainPosition at;
  WallTime time;
  std::string replica = {};  // Empty where the record names none.
  Proof proof = Proof::kUnkeyed;
  std::string key_id = {};  // Empty where it has none.
  std::string loss = {};    // What a record of reason AUDIT_LOST says; else empty.

  bool operator==(const Link&) const = default;
};

// As records have it: RFC 3339 in UTC, with milliseconds.
[[nodiscard]] std::string FormatRecordTime(WallTime time);

// The line of the record that follows `position`, with its line end; moves `position` onto it.
// `replica` names the broker that decided; it may be empty.
[[nodiscard]] std::string FormatRecord(const Event& event,
                                       ChainPosition& position,
                                       const ChainKey& key,
                                       std::string_view replica = {});

// Checks one record (without its line end) on its own: JSON with seq, prev and time, and its hash
// as far as `keys` reach.
[[nodiscard]] Result<Link> ReadLink(std::string_view line, const ChainKeys& keys);

// Checks that `line` (without its line end) is the record that follows `position` and moves onto
// it; says which. The error says what does not hold: JSON, seq, prev, hash, or its missing key.
[[nodiscard]] Result<Link> FollowRecord(std::string_view line,
                                        ChainPosition& position,
                                        const ChainKeys& keys);

}  // namespace connector::auditlog
