#pragma once

// The level's name in a configuration file. Pure.

#include "common/log/log.h"

#include <optional>
#include <string_view>

namespace connector::log {

inline constexpr std::string_view kLevelNames = "debug, info, warning or error";

// An empty name is the default, info. nullopt for any name but kLevelNames.
[[nodiscard]] std::optional<Level> LevelFromName(std::string_view name);

}  // namespace connector::log
