#pragma once

// EdgeBudgets: what clients take before anybody knows who they are, over all workers, divided by
// client address (docs/rules.md "Budgets"). Behind a grant, requests and the bodies that are kept
// for a repetition are divided by subject instead.

#include "common/connections/client_address.h"
#include "common/resilience/shared_budget.h"
#include "dataplane/relay/kept_body.h"
#include "dataplane/token/refused_tokens.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace connector::dataplane::server {

using AddressBudget =
    resilience::SharedBudget<connections::ClientAddress, connections::ClientAddress::Hash>;
using AddressShare = resilience::BudgetShare<AddressBudget, connections::ClientAddress>;

// A head longer than this is a large one, of which there are few at a time.
inline constexpr std::size_t kSmallHeadBytes = 8 * 1024;
inline constexpr std::uint64_t kMaxLargeHeads = 512;                     // 32 MiB of buffers.
inline constexpr std::uint64_t kMaxKeptBodyBytes = 64ULL * 1024 * 1024;  // Of all requests.

struct EdgeBudgets {
  EdgeBudgets(std::uint32_t max_connections,
              std::uint32_t max_connections_per_address,
              std::uint32_t refused_tokens_per_second = token::kRefusalsPerSecond)
      : connections(max_connections, max_connections_per_address),
        // Few need one: a client that reads while it sends ends its connection at once.
        lingering(std::max(max_connections / 16, 8U)),
        large_heads(kMaxLargeHeads),
        kept_bodies(kMaxKeptBodyBytes),
        refused_tokens(refused_tokens_per_second) {}

  AddressBudget connections;
  AddressBudget lingering;    // Connections that are read empty before they are closed.
  AddressBudget large_heads;  // Until the broker knows the caller.
  relay::KeptBodyBudget kept_bodies;
  token::RefusedTokens refused_tokens;
};

}  // namespace connector::dataplane::server
