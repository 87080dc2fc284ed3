#pragma once

// Reads a deny list as an operator writes it (proto/connector/config/v1/deny_list.proto). Pure.
//
// A list is taken whole or not at all: of a list with a mistake nobody can say whom it was to deny.

#include "broker/deny_list/deny_list.h"
#include "common/base/result.h"

#include <cstddef>
#include <string_view>
#include <vector>

namespace connector::broker::deny_list {

inline constexpr std::size_t kMaxDenyListBytes = std::size_t{1024} * 1024;  // As a ConfigMap's.

// Fails with kInvalidArgument; the message has the first problem with its line, and how many more
// there are. `file` names the text in it.
[[nodiscard]] Result<std::vector<DeniedEntry>> ReadDenyList(std::string_view text,
                                                            std::string_view file);

}  // namespace connector::broker::deny_list
