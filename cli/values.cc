#include "cli/values.h"

#include "common/base/input_error.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>
#include <utility>

namespace connector::cli {
namespace {

constexpr std::size_t kMaxLabelBytes = 63;

bool IsLabel(std::string_view text) {
  const auto alphanumeric = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !text.empty() && text.size() <= kMaxLabelBytes && alphanumeric(text.front()) &&
         alphanumeric(text.back()) &&
         std::all_of(text.begin(), text.end(), [&](char c) { return c == '-' || alphanumeric(c); });
}

}  // namespace

Result<std::chrono::seconds> ParseDuration(std::string_view text) {
  constexpr std::int64_t kMaxSeconds = 10LL * 365 * 86400;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  constexpr std::pair<std::string_view, std::int64_t> kUnits[] = {
      {"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
  for (const auto& [name, seconds] : kUnits) {
    if (error == std::errc{} && unit == name && number > 0 && number <= kMaxSeconds / seconds) {
      return std::chrono::seconds(number * seconds);
    }
  }
  return InvalidInput("'" + std::string(text) +
                      "' is not a duration: write for example 90s, 15m, 1h or 7d");
}

Result<ConnectorRef> ParsePair(std::string_view text, std::string_view what) {
  const std::size_t slash = text.find('/');
  if (slash != std::string_view::npos && IsLabel(text.substr(0, slash)) &&
      IsLabel(text.substr(slash + 1))) {
    return ConnectorRef{std::string(text.substr(0, slash)), std::string(text.substr(slash + 1))};
  }
  return InvalidInput(std::string(what) + " must be NAMESPACE/NAME, for example default/harbor");
}

}  // namespace connector::cli
