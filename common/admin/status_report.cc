#include "common/admin/status_report.h"

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <ctime>
#include <string_view>

namespace connector::admin {
namespace {

namespace json = boost::json;

std::string Rfc3339(std::chrono::system_clock::time_point time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

json::object ToObject(const CredentialStatus& credential) {
  json::object out{{"kind", credential.kind},
                   {"place", credential.place},
                   {"version", credential.version},
                   {"leaseHash", credential.lease_hash},
                   {"lastError", credential.last_error}};
  if (credential.expires_at) {
    out["expiresAt"] = Rfc3339(*credential.expires_at);
  }
  if (credential.last_success) {
    out["lastSuccess"] = Rfc3339(*credential.last_success);
  }
  return out;
}

json::object ToObject(const ConnectorStatus& connector) {
  json::object out{{"name", connector.name},
                   {"address", connector.address},
                   {"secretClass", connector.secret_class},
                   {"health", connector.health},
                   {"problem", connector.problem},
                   {"lastError", connector.last_error}};
  if (connector.requests) {
    out["requests"] = *connector.requests;
  }
  if (connector.bytes) {
    out["bytes"] = *connector.bytes;
  }
  if (connector.credential) {
    out["credential"] = ToObject(*connector.credential);
  }
  return out;
}

json::object ToObject(const Totals& totals) {
  json::object out{
      {"requests", totals.requests}, {"denied", totals.denied}, {"errors", totals.errors}};
  if (totals.bytes_down) {
    out["bytesDown"] = *totals.bytes_down;
  }
  if (totals.bytes_up) {
    out["bytesUp"] = *totals.bytes_up;
  }
  return out;
}

json::object ToObject(const TokenCacheStatus& cache) {
  return {{"entries", cache.entries}, {"hits", cache.hits}, {"misses", cache.misses}};
}

json::object ToObject(const RecentErrorEntry& error) {
  return {
      {"time", Rfc3339(error.time)}, {"connector", error.connector}, {"message", error.message}};
}

json::object ToObject(const StatusSection& section) {
  json::array rows;
  for (const auto& [label, value] : section.rows) {
    // Not a braced list: one of two strings would become an object.
    rows.push_back(json::array({json::string(label), json::string(value)}));
  }
  return {{"title", section.title}, {"rows", std::move(rows)}};
}

template <typename T>
json::array ToArray(const std::vector<T>& items, std::size_t limit) {
  json::array out;
  for (std::size_t i = 0; i < std::min(items.size(), limit); ++i) {
    out.emplace_back(ToObject(items[i]));
  }
  return out;
}

}  // namespace

std::string ToJson(const StatusReport& status) {
  json::object out{{"program", status.program},
                   {"version", status.version},
                   {"startedAt", Rfc3339(status.started_at)},
                   {"ready", status.reasons.empty()}};
  out["reasons"] = json::array(status.reasons.begin(), status.reasons.end());
  out["degraded"] = json::array(status.degraded.begin(), status.degraded.end());
  out["connectors"] = ToArray(status.connectors, kMaxConnectorsShown);
  out["connectorCount"] = status.connectors.size();
  if (status.totals) {
    out["totals"] = ToObject(*status.totals);
  }
  if (status.token_cache) {
    out["tokenCache"] = ToObject(*status.token_cache);
  }
  out["errors"] = ToArray(status.errors, kMaxRecentErrors);
  out["sections"] = ToArray(status.sections, status.sections.size());
  return json::serialize(out);
}

}  // namespace connector::admin
