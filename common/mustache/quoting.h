#pragma once

// Checks that a template puts values only where the escaping of its format holds them: inside the
// one kind of quotes that escape.h names. Pure.
//
// Without it a template such as `key = {{value}}` would let a value write TOML of its own.

#include "common/base/result.h"
#include "common/mustache/escape.h"
#include "common/mustache/scan.h"

#include <vector>

namespace connector::mustache {

// Fails with kInvalidArgument and the line when a value stands outside of such quotes, when quotes
// opened before a section or in one are not closed there as well, and when quotes stay open at the
// end of a line (of a shell's: of the file). Refused as well, because what they quote is not known
// here: a shell's << and $', and TOML's strings over several lines.
[[nodiscard]] Result<Done> CheckQuoting(const std::vector<Piece>& pieces, Format format);

}  // namespace connector::mustache
