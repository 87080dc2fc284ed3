#include "broker/upstream_auth/upstream_status.h"

#include "common/resilience/retry_after.h"

namespace connector::broker::upstream_auth {
namespace {

std::chrono::seconds RetryAfter(const curl::CurlResponse& response) {
  const auto found = response.headers.find("retry-after");
  const std::string text = found == response.headers.end() ? std::string() : found->second;
  const std::int64_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  return resilience::ReadRetryAfter(text, {.longest = kLongestRetryAfter, .now_unix = now})
      .value_or(std::chrono::seconds{0});
}

}  // namespace

Error UnexpectedStatus(const curl::CurlResponse& response, const std::string& who) {
  const std::string status = std::to_string(response.status);
  if (response.status == 429) {
    Error error = MakeError(ErrorCode::kResourceExhausted,
                            ErrorOrigin::kUpstream,
                            who + " limits the rate of requests",
                            Retry::kSafe);
    error.retry_after = RetryAfter(response);
    return error;
  }
  if (response.status >= 500) {
    Error error = MakeError(ErrorCode::kUnavailable,
                            ErrorOrigin::kUpstream,
                            who + " failed with status " + status,
                            Retry::kSafe);
    error.retry_after = RetryAfter(response);
    return error;
  }
  if (response.status >= 300 && response.status < 400) {
    return MakeError(ErrorCode::kInvalidArgument,
                     ErrorOrigin::kUpstream,
                     who +
                         " answered with a redirect, which is not followed; configure the "
                         "address that it redirects to");
  }
  return MakeError(ErrorCode::kInvalidArgument,
                   ErrorOrigin::kUpstream,
                   who + " answered with the unexpected status " + status);
}

Error TransferError(Error error) {
  if (error.code == ErrorCode::kResourceExhausted) {
    error.code = ErrorCode::kInvalidArgument;
  }
  error.origin = ErrorOrigin::kUpstream;
  return error;
}

}  // namespace connector::broker::upstream_auth
