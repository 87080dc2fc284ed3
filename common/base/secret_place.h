#pragma once

// Secrets that are not for the part of the arena where stored secrets are.
//
// Secret(bytes) is a stored secret, or a key of ours. These two are what others have made in a
// number of their choice, so that they could push the stored ones out to the heap.

#include "common/base/secret.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace connector {

// What somebody sends: a caller's token, a body. Wiped as every Secret, and never in the arena.
[[nodiscard]] Secret ForeignSecret(std::string_view bytes);

// An upstream token, of which callers who may use one repository can have any number made: in the
// arena, but for the quarter that is kept for stored secrets, else on the heap.
[[nodiscard]] Secret TokenSecret(std::string_view prefix,
                                 std::string_view bytes,
                                 std::string_view suffix);
// How many of them went to the heap, since start.
[[nodiscard]] std::size_t TokenFallbacks();

// For the arena: for what this thread allocates at the moment.
enum class ArenaUse : std::uint8_t { kStored, kToken, kForeign };
[[nodiscard]] ArenaUse CurrentArenaUse();

}  // namespace connector
