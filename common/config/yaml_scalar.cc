#include "common/config/yaml_scalar.h"

#include "common/base/ascii.h"
#include "common/base/input_error.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <numeric>
#include <utility>

namespace connector::config {
namespace {

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

struct Unit {
  std::string_view name;
  std::int64_t nanoseconds;
};

// Largest first: the order in which they may stand in a duration.
constexpr std::array<Unit, 6> kUnits{{{"h", 3'600'000'000'000},
                                      {"m", 60'000'000'000},
                                      {"s", 1'000'000'000},
                                      {"ms", 1'000'000},
                                      {"us", 1'000},
                                      {"ns", 1}}};

// Levenshtein distance, upper and lower case alike.
std::size_t Distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (ToLower(a[i]) == ToLower(b[j]) ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({row[j] + 1, row[j + 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

}  // namespace

bool IsAmbiguousPlain(std::string_view text) {
  static constexpr std::array<std::string_view, 10> kWords = {
      "", "~", "null", "true", "false", "yes", "no", "on", "off", ".nan"};
  const std::string lower = Lower(text);
  if (std::find(kWords.begin(), kWords.end(), lower) != kWords.end()) {
    return true;
  }
  std::string_view rest = lower;
  if (rest.starts_with('-') || rest.starts_with('+')) {
    rest.remove_prefix(1);
  }
  if (rest == ".inf") {
    return true;
  }
  // Every number, whatever its base, starts with a digit (after a point) and is made of these.
  const std::string_view first = rest.starts_with('.') ? rest.substr(1) : rest;
  if (first.empty() || !IsDigit(first[0])) {
    return false;
  }
  if (rest.starts_with("0x")) {
    return rest.find_first_not_of("0123456789abcdef_", 2) == std::string_view::npos;
  }
  if (rest.starts_with("0o") || rest.starts_with("0b")) {
    return rest.find_first_not_of("01234567_", 2) == std::string_view::npos;
  }
  double number = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
  const bool whole = end == rest.data() + rest.size() && error != std::errc::invalid_argument;
  return whole || rest.find_first_not_of("0123456789_") == std::string_view::npos;
}

Result<bool> ParseBool(std::string_view text) {
  if (text == "true" || text == "false") {
    return text == "true";
  }
  return InvalidInput("is not a boolean; write true or false");
}

Result<std::int64_t> ParseInteger(std::string_view text,
                                  std::int64_t lowest,
                                  std::int64_t highest) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number < lowest ||
      number > highest) {
    return InvalidInput("is not a whole number from " + std::to_string(lowest) + " to " +
                        std::to_string(highest));
  }
  return number;
}

Result<std::chrono::nanoseconds> ParseDuration(std::string_view text) {
  static constexpr const char* kHelp = "is not a duration; write for example 250ms, 5s or 1m30s";
  std::int64_t total = 0;
  std::size_t first_unit = 0;
  if (text.empty()) {
    return InvalidInput(kHelp);
  }
  while (!text.empty()) {
    const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    std::int64_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + digits, count);
    text.remove_prefix(digits);
    const std::size_t letters = std::min(text.find_first_of("0123456789"), text.size());
    const auto unit = std::find_if(
        kUnits.begin() + static_cast<long>(first_unit), kUnits.end(), [&](const Unit& u) {
          return u.name == text.substr(0, letters);
        });
    if (digits == 0 || error != std::errc{} || unit == kUnits.end()) {
      return InvalidInput(kHelp);
    }
    text.remove_prefix(letters);
    first_unit = static_cast<std::size_t>(unit - kUnits.begin()) + 1;
    if (count > (std::numeric_limits<std::int64_t>::max() - total) / unit->nanoseconds) {
      return InvalidInput("is a duration longer than 292 years");
    }
    total += count * unit->nanoseconds;
  }
  return std::chrono::nanoseconds(total);
}

std::string CamelCase(std::string_view upper_snake) {
  std::string out;
  bool upper = false;
  for (const char c : upper_snake) {
    if (c == '_') {
      upper = true;
    } else {
      out.push_back(upper ? c : ToLower(c));
      upper = false;
    }
  }
  return out;
}

std::string Nearest(std::string_view text, const std::vector<std::string>& known) {
  text = text.substr(0, 64);
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(1, text.size() / 3) + 1;
  for (const std::string& candidate : known) {
    const std::size_t distance = Distance(text, candidate);
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

}  // namespace connector::config
