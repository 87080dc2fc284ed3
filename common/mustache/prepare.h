#pragma once

// The template as the engine gets it. Internal to common/mustache. Pure.
//
// mustache(5) removes the lines on which nothing but one section tag stands. The engine does so
// only while it renders: it keeps such lines of a section that is left out, and drops others whose
// values happen to be blank. So they are removed here, and a mark at the end of every other line
// tells the engine that none is empty.

#include "common/mustache/scan.h"

#include <string>
#include <string_view>
#include <vector>

namespace connector::mustache {

// Begins a mark of two bytes: a NUL, which neither a template nor a value can hold.
inline constexpr char kMark = '\0';
// The mark in whose place nothing belongs.
inline constexpr std::string_view kNothing("\0\x7F", 2);

[[nodiscard]] std::string Prepare(const std::vector<Piece>& pieces);

}  // namespace connector::mustache
