#include "common/log/level.h"

namespace connector::log {

std::optional<Level> LevelFromName(std::string_view name) {
  if (name.empty() || name == "info") {
    return Level::kInfo;
  }
  if (name == "debug") {
    return Level::kDebug;
  }
  if (name == "warning") {
    return Level::kWarning;
  }
  if (name == "error") {
    return Level::kError;
  }
  return std::nullopt;
}

}  // namespace connector::log
