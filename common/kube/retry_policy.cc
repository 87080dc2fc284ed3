#include "common/kube/retry_policy.h"

#include <algorithm>
#include <charconv>

namespace connector::kube {
namespace {

constexpr Milliseconds kFirstBackoff{500};
constexpr Milliseconds kLongestBackoff{30'000};
constexpr int kMaxDoublings = 6;

Milliseconds Part(Milliseconds whole, double share) {
  return Milliseconds(static_cast<Milliseconds::rep>(static_cast<double>(whole.count()) * share));
}

}  // namespace

std::optional<std::chrono::seconds> RetryAfterOf(
    const std::map<std::string, std::string>& headers) {
  const auto found = headers.find("retry-after");
  if (found == headers.end()) {
    return std::nullopt;
  }
  const std::string& text = found->second;
  unsigned seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error == std::errc::result_out_of_range) {
    return kMaxRetryAfter;
  }
  if (error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return std::min(std::chrono::seconds(seconds), kMaxRetryAfter);
}

std::optional<std::chrono::seconds> WaitBeforeRetry(
    int status, const std::map<std::string, std::string>& headers) {
  const std::optional<std::chrono::seconds> asked = RetryAfterOf(headers);
  if (status == 429) {
    return asked.value_or(kDefaultRetryAfter);
  }
  return status >= 500 ? asked : std::nullopt;
}

Milliseconds Jittered(Milliseconds least, double random) {
  return least + Part(least, random / 2);
}

Milliseconds Backoff::Next(double random) {
  const Milliseconds whole = std::min(kFirstBackoff * (1 << failures_), kLongestBackoff);
  failures_ = std::min(failures_ + 1, kMaxDoublings);
  return Part(whole, 0.5 + random / 2);
}

}  // namespace connector::kube
