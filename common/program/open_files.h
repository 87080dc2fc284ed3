#pragma once

// The limit of open files of this process: what an attacker can exhaust by opening connections, and
// with it the admin port and every connection to somebody else.

#include <cstdint>

namespace connector::program {

// Raises the soft limit to the hard one, and returns what then holds.
std::uint64_t RaiseOpenFilesLimit();

// How many client connections fit into `open_files`, when each may need another one to a registry,
// and what is left is for listeners, the admin port, the broker and files.
[[nodiscard]] std::uint32_t ConnectionsThatFit(std::uint64_t open_files, std::uint32_t wanted);

}  // namespace connector::program
