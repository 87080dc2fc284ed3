#pragma once

// Decides which client certificate may call which method (configuration: peers). Pure. The
// certificate was verified before; here its names are compared as a whole.

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace connector::broker::api {

struct PeerLists {
  std::vector<std::string> dataplanes;  // IssueToken, WatchRoutes
  std::vector<std::string> operators;   // CheckConnector, ExplainAccess, WatchRoutes
};

enum class BrokerMethod : std::uint8_t {
  kIssueToken,
  kWatchRoutes,
  kCheckConnector,
  kExplainAccess
};

// The first of the peer's names that may call `method`; none: refuse.
[[nodiscard]] inline std::optional<std::string> AllowedPeer(const PeerLists& lists,
                                                            BrokerMethod method,
                                                            const std::vector<std::string>& sans) {
  const bool dataplane =
      method == BrokerMethod::kIssueToken || method == BrokerMethod::kWatchRoutes;
  const bool operators = method != BrokerMethod::kIssueToken;
  const auto is_in = [](const std::vector<std::string>& list, const std::string& name) {
    return std::find(list.begin(), list.end(), name) != list.end();
  };
  for (const std::string& name : sans) {
    if ((dataplane && is_in(lists.dataplanes, name)) ||
        (operators && is_in(lists.operators, name))) {
      return name;
    }
  }
  return std::nullopt;
}

}  // namespace connector::broker::api
