#include "broker/secrets/vault/vault_client.h"

#include "broker/secrets/vault/vault_route.h"
#include "common/config/read_file.h"

#include <algorithm>
#include <utility>

namespace connector::broker::secrets {
namespace {

constexpr std::size_t kMaxCaBytes = 1024 * 1024;
constexpr std::size_t kMaxIndexBytes = 1024;

bool IsWhole(ErrorCode code) {
  return code == ErrorCode::kUnavailable || code == ErrorCode::kDeadlineExceeded;
}

VaultOutcome OutcomeOf(const Result<curl::CurlResponse>& response) {
  if (!response) {
    return response.error().code == ErrorCode::kResourceExhausted ? VaultOutcome::kNonsense
                                                                  : VaultOutcome::kUnreachable;
  }
  const int status = response->status;
  if (status == 200 || status == 204) {
    return VaultOutcome::kOk;
  }
  switch (status) {
    case 307:
    case 472:
    case 473:
      return VaultOutcome::kRedirected;
    case 412:
      return VaultOutcome::kMissingState;
    case 429:
      return VaultOutcome::kLimited;
    default:
      break;
  }
  if (status >= 500) {
    return HopOf(response, 0).sealed ? VaultOutcome::kSealed : VaultOutcome::kUnavailable;
  }
  return status >= 400 ? VaultOutcome::kRefused : VaultOutcome::kNonsense;
}

}  // namespace

VaultClient::VaultClient(const VaultOptions& options, VaultClientParts parts)
    : options_(options), parts_(std::move(parts)) {}

std::shared_ptr<curl::CurlClient> VaultClient::NewConnections() {
  auto made = std::make_shared<curl::CurlClient>(curl::ConnectionReuse::kWithinThisClient);
  const std::lock_guard lock(mutex_);
  std::erase_if(connections_, [](const auto& kept) { return kept.expired(); });
  connections_.push_back(made);
  if (shut_down_) {
    made->Shutdown();
  }
  return made;
}

void VaultClient::Shutdown() {
  std::vector<std::weak_ptr<curl::CurlClient>> connections;
  {
    const std::lock_guard lock(mutex_);
    shut_down_ = true;
    connections = connections_;
  }
  stopped_->Set(Done{});
  for (const auto& weak : connections) {
    if (const auto held = weak.lock()) {
      held->Shutdown();
    }
  }
}

Task<Result<VaultAnswer>> VaultClient::Do(std::shared_ptr<const VaultCall> call,
                                          std::shared_ptr<const VaultIdentity> as,
                                          VaultRetryPolicy retry_policy,
                                          Deadline deadline) {
  VaultTime retry_until = std::chrono::steady_clock::now();
  if (retry_policy == VaultRetryPolicy::kRetryBriefly) {
    retry_until = std::min(deadline, retry_until + kRetryWindow);
  }
  while (true) {
    std::optional<resilience::CircuitBreaker::Held> held;
    {
      const std::lock_guard lock(mutex_);
      held = breaker_.Admit(std::chrono::steady_clock::now());
    }
    if (!held) {
      Result<VaultAnswer> answer = co_await TryAddresses(call, as, deadline);
      const bool again = !answer && IsWhole(answer.error().code) &&
                         answer.error().retry == Retry::kSafe &&
                         std::chrono::steady_clock::now() < retry_until;
      if (!again) {
        co_return answer;
      }
      continue;
    }
    if (held->until > retry_until || held->failures > kMaxTransientFailures) {
      held->error.message += " (asked for " + call->path + ")";
      co_return std::move(held->error);
    }
    if (co_await OneShot<Done>::Wait(stopped_, held->until)) {
      co_return std::move(held->error);
    }
  }
}

Task<Result<VaultAnswer>> VaultClient::TryAddresses(std::shared_ptr<const VaultCall> call,
                                                    std::shared_ptr<const VaultIdentity> as,
                                                    Deadline deadline) {
  std::size_t address = 0;
  {
    const std::lock_guard lock(mutex_);
    address = preferred_;
  }
  VaultRoute route(options_.addresses, address);
  const VaultTime started = std::chrono::steady_clock::now();
  while (true) {
    Result<curl::CurlResponse> response = co_await AskOnce(call, as, address, deadline);
    const auto now = std::chrono::system_clock::to_time_t(parts_.clock.Now());
    if (!response && !IsWhole(response.error().code)) {
      // Nothing that says whether Vault as a whole is well: a configuration of ours that is wrong,
      // or one answer that is too large.
      Error error = std::move(response).error();
      error.message = "Vault, asked for " + call->path + ": " + error.message;
      const std::lock_guard lock(mutex_);
      breaker_.Abandoned();
      co_return error;
    }
    VaultRouteStep step = route.OnAnswer(HopOf(response, now), parts_.random());
    if (step.kind == VaultRouteStep::Kind::kDeliver) {
      Answered(address);
      VaultAnswer answer{response->status, std::move(response->body)};
      co_return answer;
    }
    const VaultTime ask_at = std::chrono::steady_clock::now() + step.wait;
    if (step.kind == VaultRouteStep::Kind::kAsk && step.wait.count() > 0 && ask_at < deadline) {
      co_await OneShot<Done>::Wait(stopped_, ask_at);
    }
    if (step.kind == VaultRouteStep::Kind::kFail || ask_at >= deadline) {
      Failed(step.error, step.sealed, started);
      step.error.message += " (asked for " + call->path + ")";
      co_return std::move(step.error);
    }
    address = step.address;
  }
}

Task<Result<curl::CurlResponse>> VaultClient::AskOnce(std::shared_ptr<const VaultCall> call,
                                                      std::shared_ptr<const VaultIdentity> as,
                                                      std::size_t address,
                                                      Deadline deadline) {
  const VaultTime started = std::chrono::steady_clock::now();
  Result<curl::CurlRequest> request = RequestFor(*call, *as, address);
  if (!request) {
    co_return std::move(request).error();
  }
  curl::CurlRequest moved = *std::move(request);
  const Deadline until = std::min(deadline, started + options_.timeout);
  Result<curl::CurlResponse> response = co_await as->connections->Perform(std::move(moved), until);
  Observe(*call, response, started);
  co_return response;
}

Result<curl::CurlRequest> VaultClient::RequestFor(const VaultCall& call,
                                                  const VaultIdentity& as,
                                                  std::size_t address) const {
  curl::CurlRequest request;
  request.method = call.method;
  request.url.origin = options_.addresses[address];
  request.url.path = "/v1/" + call.path;
  request.url.query = call.query;
  if (!options_.server_name.empty()) {
    request.connect_to = request.url.origin;
    request.url.origin.host = options_.server_name;
  }
  if (!options_.ca_file.empty()) {
    Result<std::string> ca = config::ReadFile(options_.ca_file, kMaxCaBytes);
    if (!ca) {
      return MakeError(ErrorCode::kInvalidArgument,
                       ErrorOrigin::kSelf,
                       "the CA file " + options_.ca_file + " " + ca.error().message);
    }
    request.ca_pem = *std::move(ca);
    request.only_ca_pem = true;
  }
  const bool own = !as.certificate_file.empty();
  request.client_cert_file = own ? as.certificate_file : options_.client_certificate_file;
  request.client_key_file = own ? as.key_file : options_.client_key_file;
  request.proxy = options_.proxy;
  request.max_response_bytes = kMaxAnswerBytes;
  request.connect_timeout = options_.timeout;
  request.body = call.body.Clone();
  if (!as.token.empty()) {
    request.headers.push_back({"X-Vault-Token", as.token.Clone()});
  }
  // Vault refuses requests without it where it is asked to, as a guard against forged ones.
  request.headers.push_back({"X-Vault-Request", Secret("true")});
  const std::string& in =
      call.vault_namespace.empty() ? options_.vault_namespace : call.vault_namespace;
  if (!in.empty()) {
    request.headers.push_back({"X-Vault-Namespace", Secret(in)});
  }
  if (!request.body.empty()) {
    request.headers.push_back({"Content-Type", Secret("application/json")});
  }
  const std::lock_guard lock(mutex_);
  if (!index_.empty()) {
    request.headers.push_back({"X-Vault-Index", Secret(index_)});
  }
  return request;
}

void VaultClient::Observe(const VaultCall& call,
                          const Result<curl::CurlResponse>& response,
                          VaultTime started) {
  if (response) {
    const auto index = response->headers.find("x-vault-index");
    if (index != response->headers.end() && index->second.size() <= kMaxIndexBytes) {
      const std::lock_guard lock(mutex_);
      index_ = index->second;
    }
  }
  if (parts_.on_exchange) {
    parts_.on_exchange(
        {call.operation, OutcomeOf(response), std::chrono::steady_clock::now() - started});
  }
}

void VaultClient::Answered(std::size_t address) {
  bool recovered = false;
  {
    const std::lock_guard lock(mutex_);
    recovered = breaker_.Succeeded();
    preferred_ = address;
    sealed_ = false;
    failing_since_.reset();
  }
  if (recovered) {
    parts_.logger.Info("vault answers again",
                       {{"address", options_.addresses[address].ToString()}});
  }
}

void VaultClient::Failed(const Error& error, bool sealed, VaultTime started) {
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    first = !breaker_.failing();
    breaker_.Failed(error, started, std::chrono::steady_clock::now(), parts_.random());
    preferred_ = (preferred_ + 1) % options_.addresses.size();
    sealed_ = sealed;
    if (first) {
      failing_since_ = parts_.clock.Now();
    }
  }
  if (first && error.origin != ErrorOrigin::kSelf) {
    parts_.logger.Warning("vault does not answer", {{"error", error.message}});
  }
  if (first && on_failing_) {
    on_failing_();
  }
}

VaultStatus VaultClient::Reachability() const {
  VaultStatus status;
  const std::lock_guard lock(mutex_);
  if (breaker_.failing()) {
    status.reachable = false;
    status.sealed = sealed_;
    status.problem = breaker_.error().message;
    status.failing_since = failing_since_;
    status.retry_at = parts_.clock.Now() + std::chrono::duration_cast<WallTime::duration>(
                                               breaker_.until() - std::chrono::steady_clock::now());
  }
  return status;
}

std::optional<VaultTime> VaultClient::ProbeAt() const {
  const std::lock_guard lock(mutex_);
  return breaker_.failing()
             ? std::optional<VaultTime>(breaker_.NextTry(std::chrono::steady_clock::now()))
             : std::nullopt;
}

}  // namespace connector::broker::secrets
