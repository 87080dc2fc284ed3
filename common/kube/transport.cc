#include "common/kube/transport.h"

#include "common/base/secret_place.h"
#include "common/kube/answers.h"
#include "common/kube/retry_policy.h"
#include "common/resilience/retry_after.h"

#include <algorithm>

namespace connector::kube {
namespace {

// No more often: thousands of watches may fall silent at once.
constexpr std::chrono::seconds kPoolRest{5};

Error Unavailable(const ApiCall& call, const std::string& problem) {
  return MakeError(
      ErrorCode::kUnavailable, ErrorOrigin::kUpstream, call.what + ": " + problem, Retry::kSafe);
}

std::shared_ptr<curl::CurlClient> NewPool() {
  return std::make_shared<curl::CurlClient>(curl::ConnectionReuse::kWithinThisClient,
                                            curl::HttpVersion::k2);
}

}  // namespace

Transport::Transport(ClusterConnection connection, ApiClientParts parts)
    : parts_(std::move(parts)), credentials_(std::move(connection)), pool_(NewPool()) {}

std::shared_ptr<curl::CurlClient> Transport::Pool() {
  const std::lock_guard lock(mutex_);
  return pool_;
}

void Transport::Suspect(const std::shared_ptr<curl::CurlClient>& pool) {
  const std::lock_guard lock(mutex_);
  const auto now = Clock::now();
  if (stopped_ || pool != pool_ || now - pool_since_ < kPoolRest) {
    return;
  }
  std::erase_if(old_pools_, [](const auto& each) { return each.expired(); });
  old_pools_.push_back(pool_);
  pool_ = NewPool();
  pool_since_ = now;
}

void Transport::Shutdown() {
  std::vector<std::shared_ptr<curl::CurlClient>> all;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    all.push_back(pool_);
    for (const auto& old : old_pools_) {
      if (auto kept = old.lock()) {
        all.push_back(std::move(kept));
      }
    }
  }
  stop_->Request();
  for (const auto& pool : all) {
    pool->Shutdown();
  }
}

Result<curl::CurlRequest> Transport::Request(const ApiCall& call, const Secret& token) {
  const ClusterConnection& connection = credentials_.connection();
  curl::CurlRequest request;
  request.method = call.method;
  request.url = {connection.server, call.path, call.query};
  if (!connection.server_name.empty()) {
    request.url.origin.host = connection.server_name;
    request.connect_to = connection.server;
  }
  if (connection.server.tls) {
    Result<std::string> ca = credentials_.CaPem(Clock::now());
    if (!ca) {
      return WithContext(call.what, std::move(ca).error());
    }
    // With none, the whole web's authorities could speak for the API server.
    if (ca->empty()) {
      return MakeError(ErrorCode::kInvalidArgument,
                       ErrorOrigin::kSelf,
                       call.what + ": no CA of the API server is configured");
    }
    request.ca_pem = *std::move(ca);
    request.only_ca_pem = true;
  }
  request.client_cert_file = connection.client_cert_file;
  request.client_key_file = connection.client_key_file;
  request.client_cert_pem = connection.client_cert_pem;
  request.client_key_pem = connection.client_key_pem.Clone();
  // The cluster's keys are application/jwk-set+json.
  request.headers.push_back({"Accept", Secret("application/json, */*;q=0.1")});
  request.headers.push_back({"User-Agent", Secret(parts_.user_agent)});
  if (!token.empty()) {
    request.headers.push_back({"Authorization", Secret("Bearer ", token.Reveal(), "")});
  }
  if (!call.content_type.empty()) {
    request.headers.push_back({"Content-Type", Secret(call.content_type)});
  }
  request.body = ForeignSecret(call.body.Reveal());
  request.head_timeout = call.head_timeout;
  request.mostly_waits = call.verb == "watch";
  request.max_response_bytes = kMaxAnswerBytes;
  return request;
}

void Transport::ThrottleUntil(Clock::time_point until) {
  Clock::rep known = throttled_until_.load();
  const Clock::rep wanted = until.time_since_epoch().count();
  while (known < wanted && !throttled_until_.compare_exchange_weak(known, wanted)) {
  }
}

Task<Result<Done>> Transport::WaitForThrottle(std::shared_ptr<const ApiCall> call,
                                              Deadline deadline) {
  const auto kept = shared_from_this();
  const auto now = Clock::now();
  const Clock::time_point until{Clock::duration(throttled_until_.load())};
  if (until <= now) {
    co_return Done{};
  }
  const auto left = std::chrono::ceil<Milliseconds>(until - now);
  if (until >= deadline) {
    Error error = Unavailable(*call, "the API asks to wait longer than there is time");
    error.retry_after = std::chrono::ceil<std::chrono::seconds>(left);
    co_return error;
  }
  const Clock::time_point awake = now + resilience::SpreadAfter(left, parts_.random());
  // Who can cancel does so before the client is shut down.
  const std::shared_ptr<Cancel> cancel = call->cancel ? call->cancel : stop_;
  const bool cancelled = co_await Cancel::Sleep(cancel, std::min(awake, deadline));
  if (cancelled) {
    co_return Unavailable(*call, "it was no longer wanted");
  }
  co_return Done{};
}

void Transport::Observe(const ApiCall& call, int status, Clock::time_point started) const {
  if (parts_.observe) {
    parts_.observe({call.verb, call.resource, status, Clock::now() - started});
  }
}

Task<Result<Transport::OpenResponse>> Transport::Open(std::shared_ptr<const ApiCall> call,
                                                      Deadline deadline) {
  const auto kept = shared_from_this();
  bool token_read_again = false;
  while (true) {
    Result<Done> held = co_await WaitForThrottle(call, deadline);
    if (!held) {
      co_return std::move(held).error();
    }
    Result<Secret> token = credentials_.Token(Clock::now());
    if (!token) {
      co_return WithContext(call->what, std::move(token).error());
    }
    Result<curl::CurlRequest> request = Request(*call, *token);
    if (!request) {
      co_return std::move(request).error();
    }
    OpenResponse opened{Pool(), nullptr};
    const auto started = Clock::now();
    auto stream = co_await opened.pool->Open(*std::move(request), deadline, call->cancel);
    Observe(*call, stream ? (*stream)->status() : 0, started);
    if (!stream) {
      if (stream.error().code == ErrorCode::kDeadlineExceeded) {
        Suspect(opened.pool);
      }
      co_return WithContext(call->what, std::move(stream).error());
    }
    opened.stream = *std::move(stream);
    const int status = opened.stream->status();
    if (status == 401 && !token_read_again && credentials_.Replaced(*token, Clock::now())) {
      token_read_again = true;
      continue;
    }
    const auto wait = WaitBeforeRetry(status, opened.stream->headers());
    if (wait) {
      ThrottleUntil(Clock::now() + *wait);
    }
    if (!wait || Clock::now() + *wait >= deadline) {
      co_return std::move(opened);
    }
  }
}

Task<Result<std::unique_ptr<curl::WipedBuffer>>> Transport::ReadAll(
    std::shared_ptr<const OpenResponse> opened, std::string what, Deadline deadline) {
  const auto kept = shared_from_this();
  auto whole = std::make_unique<curl::WipedBuffer>();
  while (true) {
    auto piece = co_await opened->stream->Read(deadline);
    if (!piece) {
      if (piece.error().code == ErrorCode::kDeadlineExceeded) {
        Suspect(opened->pool);
      }
      co_return WithContext(what, std::move(piece).error());
    }
    if (*piece == nullptr) {
      co_return std::move(whole);
    }
    if (kMaxAnswerBytes - whole->size() < (*piece)->size()) {
      co_return MakeError(ErrorCode::kResourceExhausted,
                          ErrorOrigin::kUpstream,
                          what + ": the answer is too large");
    }
    whole->Append((*piece)->view());
  }
}

Task<Result<Transport::Answer>> Transport::Send(std::shared_ptr<const ApiCall> call,
                                                Deadline deadline) {
  const auto kept = shared_from_this();
  Result<OpenResponse> opened = co_await Open(call, deadline);
  if (!opened) {
    co_return std::move(opened).error();
  }
  const auto shared = std::make_shared<const OpenResponse>(*std::move(opened));
  const std::string what = call->what;
  auto body = co_await ReadAll(shared, what, deadline);
  if (!body) {
    co_return std::move(body).error();
  }
  Answer answer;
  answer.status = shared->stream->status();
  answer.body = *std::move(body);
  co_return std::move(answer);
}

}  // namespace connector::kube
