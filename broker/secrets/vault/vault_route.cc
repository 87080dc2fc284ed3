#include "broker/secrets/vault/vault_route.h"

#include "common/resilience/backoff.h"
#include "common/resilience/retry_after.h"

#include <algorithm>

namespace connector::broker::secrets {
namespace {

constexpr std::chrono::seconds kLongestNamed{3600};
constexpr resilience::BackoffOptions kStateBackoff{kFirstStateRetry, std::chrono::seconds(10)};

Error Unavailable(std::string message) {
  return MakeError(
      ErrorCode::kUnavailable, ErrorOrigin::kUpstream, std::move(message), Retry::kSafe);
}

std::string HeaderOf(const curl::CurlResponse& response, const char* name) {
  const auto found = response.headers.find(name);
  return found == response.headers.end() ? std::string() : found->second;
}

bool Says(const curl::CurlResponse& response, std::string_view text) {
  return response.body.Reveal().find(text) != std::string_view::npos;
}

}  // namespace

VaultHop HopOf(const Result<curl::CurlResponse>& response, std::int64_t now_unix) {
  VaultHop hop;
  if (!response) {
    hop.failure = response.error();
    return hop;
  }
  hop.status = response->status;
  hop.location = HeaderOf(*response, "location");
  hop.retry_after = resilience::ReadRetryAfter(HeaderOf(*response, "retry-after"),
                                               {.longest = kLongestNamed, .now_unix = now_unix});
  hop.sealed = response->status == 503 && Says(*response, "sealed");
  return hop;
}

VaultRouteStep VaultRoute::GoTo(std::size_t address) {
  at_ = address;
  tried_[address] = true;
  VaultRouteStep step;
  step.kind = VaultRouteStep::Kind::kAsk;
  step.address = address;
  return step;
}

VaultRouteStep VaultRoute::NextAddress(Error error) {
  for (std::size_t i = 1; i < addresses_.size(); ++i) {
    const std::size_t next = (at_ + i) % addresses_.size();
    if (!tried_[next]) {
      VaultRouteStep step = GoTo(next);
      step.error = std::move(error);
      return step;
    }
  }
  VaultRouteStep step;
  step.kind = VaultRouteStep::Kind::kFail;
  step.error = std::move(error);
  return step;
}

VaultRouteStep VaultRoute::Redirected(const VaultHop& hop) {
  const std::string from = "Vault at " + addresses_[at_].ToString();
  if (hop.location.empty()) {
    return NextAddress(Unavailable(from + " is a standby that names no active node"));
  }
  const Result<http::Url> url = http::ParseUrl(hop.location);
  // docs/promises.md P5: the token follows to none but the addresses that the operator named.
  const auto target =
      url ? std::find(addresses_.begin(), addresses_.end(), url->origin) : addresses_.end();
  VaultRouteStep step;
  step.kind = VaultRouteStep::Kind::kFail;
  if (target == addresses_.end()) {
    step.error = Unavailable(from + " redirects to " +
                             (url ? url->origin.ToString() : std::string("no valid address")) +
                             ", which is not one of vault.addresses; it is not followed");
    step.error.retry = Retry::kNever;  // It would redirect again.
    return step;
  }
  if (++redirects_ > kMaxVaultRedirects) {
    step.error = Unavailable(from + " redirects in a circle");
    step.error.retry = Retry::kNever;
    return step;
  }
  step = GoTo(static_cast<std::size_t>(target - addresses_.begin()));
  step.error = Unavailable(from + " redirects, and no time was left to follow");
  return step;
}

VaultRouteStep VaultRoute::OnAnswer(const VaultHop& hop, double random) {
  const std::string from = "Vault at " + addresses_[at_].ToString();
  switch (hop.status) {
    case 0: {
      Error error = *hop.failure;
      error.message = "Vault: " + error.message;
      if (error.code == ErrorCode::kUnavailable || error.code == ErrorCode::kDeadlineExceeded) {
        error.code = ErrorCode::kUnavailable;
        if (error.retry == Retry::kSafe) {
          return NextAddress(std::move(error));
        }
      }
      VaultRouteStep step;
      step.kind = VaultRouteStep::Kind::kFail;
      step.error = std::move(error);
      return step;
    }
    case 307:
    case 472:
    case 473:
      return Redirected(hop);
    case 412: {
      if (++state_retries_ > kMaxStateRetries) {
        return NextAddress(Unavailable(from + " does not have the state yet that was asked for"));
      }
      VaultRouteStep step = GoTo(at_);
      step.error = Unavailable(from + " does not have the state yet that was asked for");
      step.wait =
          resilience::BackoffAfter(kStateBackoff, static_cast<unsigned>(state_retries_), random);
      return step;
    }
    case 429: {
      VaultRouteStep step;
      step.kind = VaultRouteStep::Kind::kFail;
      step.error = Unavailable(from + " limits our requests");
      step.error.retry_after = hop.retry_after.value_or(std::chrono::seconds(0));
      return step;
    }
    case 502:
    case 503:
    case 504: {
      Error error = Unavailable(
          from + (hop.sealed ? " is sealed"
                             : " is not available (status " + std::to_string(hop.status) + ")"));
      error.retry_after = hop.retry_after.value_or(std::chrono::seconds(0));
      VaultRouteStep step = NextAddress(std::move(error));
      step.sealed = hop.sealed;
      return step;
    }
    default:
      return {};
  }
}

}  // namespace connector::broker::secrets
