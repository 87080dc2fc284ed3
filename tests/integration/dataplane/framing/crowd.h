#pragma once

// Crowd: many raw clients at once on one thread. Each connects, sends its case in its segments,
// says that nothing follows, and reads to the end, so that no wait for missing bytes is ever
// needed.

#include "tests/integration/dataplane/framing/generator.h"

#include <cstdint>
#include <string>
#include <vector>

namespace connector::framing {

// What each case got back, in the order of the cases. Throws when nothing moves for half a minute.
[[nodiscard]] std::vector<std::string> SendAll(std::uint16_t port, const std::vector<Case>& cases);

}  // namespace connector::framing
