#include "broker/api/listener_certificate_handler.h"

#include "common/log/log.h"
#include "common/routing/connector_host.h"
#include "common/x509/x509_certificates.h"

#include <algorithm>
#include <utility>

namespace connector::broker::api {
namespace {

// Ours is a DNS name that was compared whole with one that exists; theirs may be anything.
constexpr std::size_t kMaxHostBytes = 253;

CertificateOutcome OutcomeOf(const std::optional<Error>& refusal) {
  if (!refusal) {
    return CertificateOutcome::kIssued;
  }
  switch (refusal->code) {
    case ErrorCode::kResourceExhausted:
      return CertificateOutcome::kRateLimited;
    case ErrorCode::kNotFound:
    case ErrorCode::kInvalidArgument:
      return CertificateOutcome::kRefused;
    default:
      return CertificateOutcome::kFailed;
  }
}

const char* ReasonOf(const Error& refusal) {
  switch (refusal.code) {
    case ErrorCode::kNotFound:
      return "CONNECTOR_NOT_FOUND";
    case ErrorCode::kInvalidArgument:
      return "INVALID_REQUEST";
    default:
      return "CERTIFICATE_NOT_MADE";
  }
}

Error Refused(ErrorCode code, std::string message) {
  return MakeError(code, ErrorOrigin::kClient, std::move(message));
}

}  // namespace

Task<Result<v1::IssueListenerCertificateResponse>> ListenerCertificateHandler::Issue(
    const v1::IssueListenerCertificateRequest& request, std::string peer) {
  const bool fits = request.host().size() <= kMaxHostBytes &&
                    request.certificate_request().size() <= kMaxCertificateRequestBytes;
  Call call{fits ? request.host() : std::string(),
            fits ? request.certificate_request() : std::string(),
            std::move(peer)};
  if (!fits) {
    call.refusal =
        Refused(ErrorCode::kInvalidArgument, "the host or the certificate request is too long");
  }
  return Run(std::make_shared<Call>(std::move(call)));
}

Task<Result<v1::IssueListenerCertificateResponse>> ListenerCertificateHandler::Run(CallPtr call) {
  if (!TakeTurn(call->peer)) {
    call->refusal = Refused(ErrorCode::kResourceExhausted,
                            "this peer asks for certificates too often; it may ask again later");
    Report(*call);
    co_return *call->refusal;
  }
  if (!call->refusal) {
    const Result<Done> decided = Decide(*call);
    if (!decided) {
      call->refusal = decided.error();
    }
  }
  auditlog::Event event = Record(*call);
  const Result<Done> durable = co_await parts_.audit->Append(std::move(event));
  if (!durable && !call->refusal) {
    call->refusal = durable.error();
  }
  Report(*call);
  if (call->refusal) {
    co_return *call->refusal;
  }
  v1::IssueListenerCertificateResponse response;
  response.set_certificate(call->certificate->der);
  co_return response;
}

// The host first: it costs nothing, and the key's signature does.
Result<Done> ListenerCertificateHandler::Decide(Call& call) const {
  const std::optional<ConnectorRef> ref =
      routing::ConnectorOfCertifiedHost(call.host, parts_.options.certified_suffixes);
  const auto& own = parts_.options.dataplane_hosts;
  if (ref && routing::IsHostSuffix(call.host) && parts_.catalog->Current()->Find(*ref)) {
    call.connector = ref->ToString();
  } else if (std::find(own.begin(), own.end(), call.host) == own.end()) {
    return Refused(ErrorCode::kNotFound,
                   "no connector has this host, or its domain is not among "
                   "listenerAuthority.hostSuffixes of the broker's configuration, and it is not "
                   "among listenerAuthority.dataplaneHosts");
  }
  const Result<x509::KeyPtr> key = x509::ReadKeyProof(call.proof);
  if (!key) {
    return key.error();
  }
  Result<listener_authority::ListenerAuthority::Certificate> made =
      std::atomic_load(&authority_)->Issue(call.host, key->get(), parts_.clock->Now());
  if (!made) {
    return std::move(made).error();
  }
  call.certificate = *std::move(made);
  return Done{};
}

bool ListenerCertificateHandler::TakeTurn(const std::string& peer) {
  const auto now = std::chrono::steady_clock::now();
  const std::lock_guard lock(mutex_);
  auto turns = turns_.find(peer);
  if (turns == turns_.end()) {
    std::erase_if(turns_, [now](const auto& each) { return each.second.Full(now); });
    const resilience::TokenBucket full(kCertificatesPerSecond, kCertificatesBurst, now);
    turns = turns_.emplace(peer, full).first;
  }
  return turns->second.Take(now);
}

auditlog::Event ListenerCertificateHandler::Record(const Call& call) const {
  auditlog::Event event;
  event.time = parts_.clock->Now();
  event.peer = call.peer;
  event.allowed = !call.refusal;
  if (call.refusal) {
    event.reason = ReasonOf(*call.refusal);
    event.detail = "listener certificate: " + call.refusal->message;
    return event;
  }
  event.connector = call.connector;
  event.scopes = "listener:" + call.host;
  event.rule = call.connector.empty() ? "listenerAuthority.dataplaneHosts" : "listenerAuthority";
  event.not_after = call.certificate->not_after;
  return event;
}

void ListenerCertificateHandler::Report(const Call& call) const {
  const CertificateOutcome outcome = OutcomeOf(call.refusal);
  parts_.observe(outcome);
  if (outcome == CertificateOutcome::kIssued) {
    parts_.log->Info("issue_listener_certificate", {{"peer", call.peer}, {"host", call.host}});
  } else if (outcome != CertificateOutcome::kRateLimited) {
    parts_.log->Warning(
        "listener certificate not issued",
        {{"peer", call.peer}, {"host", call.host}, {"reason", call.refusal->message}});
  }
}

void ListenerCertificateHandler::UseAuthority(
    std::shared_ptr<const listener_authority::ListenerAuthority> authority) {
  std::atomic_store(&authority_, std::move(authority));
}

v1::GetListenerAuthorityResponse ListenerCertificateHandler::Authority() const {
  v1::GetListenerAuthorityResponse response;
  response.set_ca_pem(std::atomic_load(&authority_)->pem());
  return response;
}

}  // namespace connector::broker::api
