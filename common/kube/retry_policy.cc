#include "common/kube/retry_policy.h"

#include "common/resilience/retry_after.h"

namespace connector::kube {
std::optional<std::chrono::seconds> RetryAfterOf(
    const std::map<std::string, std::string>& headers) {
  const auto found = headers.find("retry-after");
  if (found == headers.end()) {
    return std::nullopt;
  }
  return resilience::ReadRetryAfter(found->second, {.longest = kMaxRetryAfter});
}

std::optional<std::chrono::seconds> WaitBeforeRetry(
    int status, const std::map<std::string, std::string>& headers) {
  const std::optional<std::chrono::seconds> asked = RetryAfterOf(headers);
  if (status == 429) {
    return asked.value_or(kDefaultRetryAfter);
  }
  return status >= 500 ? asked : std::nullopt;
}

}  // namespace connector::kube
