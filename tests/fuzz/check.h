#pragma once

// What a fuzz target says when its property does not hold: stops at once, so that the input is
// kept.

#include <cstdlib>

namespace connector::fuzz {

inline void Check(bool property_holds) {
  if (!property_holds) {
    std::abort();
  }
}

}  // namespace connector::fuzz
