#pragma once

// The version of this build, as CMakeLists.txt at the root says it: the one place that names it.

namespace connector {

extern const char* const kVersion;

}  // namespace connector
