#pragma once

// StatusReport: what the status page of a program shows, and its JSON form (/status.json). The page
// hides what is absent, so that one page serves the data plane and the broker. Counters are totals
// since the start of the program; the page makes rates of them.
//
// Everything here is shown to anyone who reaches the admin port: never a secret, a token, a query
// string or a caller's name.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace connector::admin {

// What a store outside tells of the credential that a connector uses. Times are absent, and texts
// empty, where there is nothing to tell.
struct CredentialStatus {
  std::string kind = {};        // "kv", "lease" or "unknown"
  std::string place = {};       // For example the path in Vault.
  std::string version = {};     // The store's own number, else the beginning of a keyed digest.
  std::string lease_hash = {};  // Tells one lease from another, and leads to none.
  std::optional<std::chrono::system_clock::time_point> expires_at = {};
  std::optional<std::chrono::system_clock::time_point> last_success = {};
  std::string last_error = {};
};

struct ConnectorStatus {
  std::string name = {};          // namespace/name
  std::string address = {};       // Origin of the registry.
  std::string secret_class = {};  // "none", "derived", "bounded" or "static"
  std::string health = {};        // "ok", "degraded", "failing" or "unknown"
  std::string problem = {};       // A sentence; empty when there is none.
  std::string last_error = {};    // A sentence; empty when there was none.
  // What this program counts per connector. Absent where it does not.
  std::optional<std::uint64_t> requests = {};
  std::optional<std::uint64_t> bytes = {};
  std::optional<CredentialStatus> credential = {};
};

struct Totals {
  std::uint64_t requests = 0;
  std::uint64_t denied = 0;
  std::uint64_t errors = 0;
  std::optional<std::uint64_t> bytes_down = {};  // To clients.
  std::optional<std::uint64_t> bytes_up = {};    // From clients.
};

struct TokenCacheStatus {
  std::uint64_t entries = 0;
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
};

struct RecentErrorEntry {
  std::chrono::system_clock::time_point time = {};
  std::string connector = {};  // namespace/name; may be empty.
  std::string message = {};
};

// Facts of one program, as rows of label and value.
struct StatusSection {
  std::string title = {};
  std::vector<std::pair<std::string, std::string>> rows = {};
};

struct StatusReport {
  std::string program = {};
  std::string version = {};
  std::chrono::system_clock::time_point started_at = {};
  std::vector<std::string> reasons = {};   // Why not ready; ready when empty.
  std::vector<std::string> degraded = {};  // What is wrong although it is ready.
  std::vector<ConnectorStatus> connectors = {};
  std::optional<Totals> totals = {};
  std::optional<TokenCacheStatus> token_cache = {};
  std::vector<RecentErrorEntry> errors = {};  // Newest first; at most kMaxRecentErrors are shown.
  std::vector<StatusSection> sections = {};
};

inline constexpr std::size_t kMaxConnectorsShown = 500;
inline constexpr std::size_t kMaxRecentErrors = 50;

// One JSON object:
//   program, version, startedAt (RFC 3339), ready, reasons[], degraded[],
//   connectors[{name, address, secretClass, health, problem, lastError, requests?, bytes?,
//     credential?{kind, place, version, leaseHash, expiresAt?, lastSuccess?, lastError}}],
//   connectorCount (all, also those that are not shown),
//   totals?{requests, denied, errors, bytesDown?, bytesUp?}, tokenCache?{entries, hits, misses},
//   errors[{time, connector, message}], sections[{title, rows[[label, value]]}]
// A key with "?" is absent when its field is.
[[nodiscard]] std::string ToJson(const StatusReport& status);

}  // namespace connector::admin
