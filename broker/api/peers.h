#pragma once

// Decides which client certificate may call which method (configuration: peers). Pure. The
// certificate was verified before; peer_names.h says what an entry stands for.

#include "broker/api/peer_names.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace connector::broker::api {

struct PeerLists {
  // IssueToken, WatchRoutes, GetSealingKeys, IssueListenerCertificate, GetListenerAuthority
  std::vector<std::string> dataplanes;
  // CheckConnector, ExplainAccess, GetListenerAuthority
  std::vector<std::string> operators;
};

enum class BrokerMethod : std::uint8_t {
  kIssueToken,
  kWatchRoutes,
  kGetSealingKeys,
  kCheckConnector,
  kExplainAccess,
  kIssueListenerCertificate,
  kGetListenerAuthority,
};

struct AllowedLists {
  bool dataplanes = false;
  bool operators = false;
};

[[nodiscard]] constexpr AllowedLists ListsOf(BrokerMethod method) {
  switch (method) {
    case BrokerMethod::kIssueToken:
    case BrokerMethod::kWatchRoutes:
    case BrokerMethod::kGetSealingKeys:
    case BrokerMethod::kIssueListenerCertificate:
      return {.dataplanes = true};
    case BrokerMethod::kGetListenerAuthority:
      return {.dataplanes = true, .operators = true};
    case BrokerMethod::kCheckConnector:
    case BrokerMethod::kExplainAccess:
      return {.operators = true};
  }
  return {};
}

// The first of the peer's names that may call `method`; none: refuse.
[[nodiscard]] inline std::optional<std::string> AllowedPeer(const PeerLists& lists,
                                                            BrokerMethod method,
                                                            const std::vector<std::string>& sans) {
  const AllowedLists allowed = ListsOf(method);
  const auto is_in = [](const std::vector<std::string>& list, const std::string& name) {
    return std::any_of(
        list.begin(), list.end(), [&](const std::string& entry) { return NamesPeer(entry, name); });
  };
  for (const std::string& name : sans) {
    if ((allowed.dataplanes && is_in(lists.dataplanes, name)) ||
        (allowed.operators && is_in(lists.operators, name))) {
      return name;
    }
  }
  return std::nullopt;
}

}  // namespace connector::broker::api
