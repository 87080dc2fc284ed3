#include "common/resilience/retry_after.h"

#include <algorithm>
#include <charconv>
#include <ctime>

namespace connector::resilience {
namespace {

std::optional<std::int64_t> ReadHttpDate(const std::string& text) {
  std::tm parts{};
  const char* rest = ::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  if (rest == nullptr || *rest != '\0') {
    return std::nullopt;
  }
  return static_cast<std::int64_t>(::timegm(&parts));
}

}  // namespace

std::optional<std::chrono::seconds> ReadRetryAfter(const std::string& text,
                                                   const RetryAfterOptions& options) {
  std::uint32_t seconds = 0;
  const char* const end_of_text = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), end_of_text, seconds);
  if (error == std::errc::result_out_of_range && end == end_of_text) {
    return options.longest;
  }
  if (error == std::errc{} && end == end_of_text) {
    return std::min(std::chrono::seconds(seconds), options.longest);
  }
  const std::optional<std::int64_t> date = options.now_unix ? ReadHttpDate(text) : std::nullopt;
  if (!date) {
    return std::nullopt;
  }
  return std::chrono::seconds(
      std::clamp<std::int64_t>(*date - *options.now_unix, 0, options.longest.count()));
}

}  // namespace connector::resilience
