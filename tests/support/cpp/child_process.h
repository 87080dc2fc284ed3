#pragma once

// Programs of the peers cache as children on loopback ports that were free a moment ago.

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace connector::testing_support {

// What tests/support/peers/install built, at the version that peers.txt names.
[[nodiscard]] std::string PeerProgram(const std::string& name);

[[nodiscard]] std::uint16_t FreePort();

// Runs with HOME=`home` and its output appended to `log`; dies with the thread that calls.
[[nodiscard]] pid_t StartChild(const std::string& program,
                               const std::vector<std::string>& arguments,
                               const std::string& home,
                               const std::string& log);
// True once it has ended, and then `child` is -1.
[[nodiscard]] bool HasEnded(pid_t& child);
void KillChild(pid_t& child);

[[nodiscard]] std::string ReadWhole(const std::string& path);

}  // namespace connector::testing_support
