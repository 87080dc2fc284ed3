#include "dataplane/server/rewrite.h"

#include "dataplane/oci/link.h"
#include "dataplane/oci/redirect.h"
#include "dataplane/oci/upload_session.h"

#include <utility>

namespace connector::dataplane::server {
namespace {

using addressing::OperationKind;
using http::HeaderId;
using http::Method;
using oci::ErrorReply;
using oci::Situation;

using Answer = std::variant<Rewritten, ErrorReply>;

bool IsUpload(const addressing::Operation& operation) {
  return operation.kind == OperationKind::kUploadStart ||
         operation.kind == OperationKind::kUploadSession;
}

// Does a 201 to it mean that something is stored now? ECR answers 201 to a PATCH, too.
bool Stores(const addressing::Operation& operation) {
  return operation.kind == OperationKind::kManifest ||
         (operation.kind == OperationKind::kUploadSession && operation.method == Method::kPut) ||
         (operation.kind == OperationKind::kUploadStart &&
          !(operation.digest.empty() && operation.mount.empty()));
}

// Did the registry write the credential that we sent into the field? Then it is not passed on in
// any form (promise P1).
bool Echoes(const Exchange& exchange, const UpstreamCall& call, std::string_view value) {
  return call.target().send_credential && exchange.grant->no_echo.Found(value);
}

ErrorReply RefuseEcho() {
  return oci::ReplyFor(Situation::kUpstreamUnavailable,
                       "The registry's answer repeats the credential that it was sent.");
}

// An open upload: where it goes on is sealed, so that any replica can go on with it.
Answer RewriteUpload(const Exchange& exchange, const UpstreamCall& call) {
  const routes::Route& route = *exchange.route;
  const Result<http::Url> asked = AskedUrl(call);
  if (!asked) {
    return oci::ReplyFor(Situation::kInternal);
  }
  const std::string_view location = exchange.scratch.response.fields.Find(HeaderId::kLocation);
  if (Echoes(exchange, call, location)) {
    return RefuseEcho();
  }
  const std::string repository =
      addressing::UpstreamRepository(exchange.operation.repository, route.docker_hub);
  oci::HopDecision decision = oci::DecideUploadLocation({.address = route.origin,
                                                         .redirect_hosts = route.redirects.hosts,
                                                         .allow_insecure = route.allow_insecure},
                                                        repository,
                                                        *asked,
                                                        location);
  if (const auto* refusal = std::get_if<oci::HopRefusal>(&decision)) {
    return oci::ReplyFor(Situation::kRedirectRefused, oci::Sentence(*refusal));
  }
  oci::NextHop& hop = std::get<oci::NextHop>(decision);
  const Result<std::string> sealed = oci::SealUpload(*exchange.core.routes->sealing_keys,
                                                     {.connector = route.ref,
                                                      .repository = repository,
                                                      .subject = exchange.grant->subject,
                                                      .expires_at = SealedUntil(exchange),
                                                      .url = std::move(hop.url),
                                                      .send_credential = hop.send_credential});
  if (!sealed) {
    return oci::ReplyFor(Situation::kBrokerUnavailable, sealed.error().message);
  }
  return Rewritten{
      .location = oci::UploadLocation(exchange.address, exchange.operation.repository, *sealed),
      .link = {},
      .upload_uuid = oci::DerivedUuid(*sealed)};
}

// redirects.mode: pass. Absolute, whatever the registry wrote: the client would resolve it against
// us. That it leads elsewhere has been decided (forward.cc).
Answer PassRedirect(const Exchange& exchange, const UpstreamCall& call) {
  const Result<http::Url> asked = AskedUrl(call);
  const Result<http::Url> url =
      asked ? http::ResolveReference(*asked,
                                     exchange.scratch.response.fields.Find(HeaderId::kLocation))
            : asked;
  if (!url) {
    return oci::ReplyFor(Situation::kRedirectRefused, oci::Sentence(oci::HopRefusal::kNoLocation));
  }
  return Rewritten{.location = url->ToString(), .link = {}, .upload_uuid = {}};
}

Answer RewriteNextLink(const Exchange& exchange, const UpstreamCall& call) {
  const Result<http::Url> asked = AskedUrl(call);
  if (!asked) {
    return oci::ReplyFor(Situation::kInternal);
  }
  const oci::LinkContext context{.operation = exchange.operation,
                                 .address = exchange.address,
                                 .asked = *asked,
                                 .docker_hub = exchange.route->docker_hub,
                                 .keys = *exchange.core.routes->sealing_keys,
                                 .connector = exchange.route->ref,
                                 .subject = exchange.grant->subject,
                                 .expires_at = SealedUntil(exchange)};
  Rewritten rewritten;
  // Some registries write each relation into a field of its own.
  for (const http::HeaderField& field : exchange.scratch.response.fields) {
    if (field.id != HeaderId::kLink || !rewritten.link.empty()) {
      continue;
    }
    if (Echoes(exchange, call, field.value)) {
      return RefuseEcho();
    }
    Result<std::string> link = oci::RewriteLink(context, field.value);
    if (!link) {
      const bool upstream = link.error().origin == ErrorOrigin::kUpstream;
      return oci::ReplyFor(
          upstream ? Situation::kUpstreamUnavailable : Situation::kBrokerUnavailable,
          link.error().message);
    }
    rewritten.link = *std::move(link);
  }
  return rewritten;
}

}  // namespace

Answer RewriteAnswer(const Exchange& exchange, const UpstreamCall& call) {
  const http::ResponseHead& head = exchange.scratch.response;
  const addressing::Operation& operation = exchange.operation;
  const int status = head.status;
  if (status >= 300 && status < 400) {
    return status == 304 ? Answer() : PassRedirect(exchange, call);
  }
  if (status == 201 && Stores(operation)) {
    return Rewritten{
        .location = oci::FinalLocation(
            operation, exchange.address, head.fields.Find(HeaderId::kDockerContentDigest)),
        .link = {},
        .upload_uuid = {}};
  }
  if (IsUpload(operation) && operation.method == Method::kDelete) {
    Rewritten rewritten;
    if (head.fields.Has(HeaderId::kDockerUploadUuid)) {
      rewritten.upload_uuid = oci::DerivedUuid(operation.reference);
    }
    return rewritten;
  }
  // A 416 tells where the upload stands, and goes on there too.
  if (IsUpload(operation) && (status < 300 || status == 416) &&
      head.fields.Has(HeaderId::kLocation)) {
    return RewriteUpload(exchange, call);
  }
  const bool list =
      operation.kind == OperationKind::kTags || operation.kind == OperationKind::kReferrers;
  if (list && status == 200 && head.fields.Has(HeaderId::kLink)) {
    return RewriteNextLink(exchange, call);
  }
  return Answer();
}

Result<http::Url> AskedUrl(const UpstreamCall& call) {
  return http::ParseUrl(call.target().origin.ToString() + call.target().target);
}

std::int64_t RequestSeconds(const Exchange& exchange) {
  return std::chrono::duration_cast<std::chrono::seconds>(exchange.started_at.time_since_epoch())
      .count();
}

std::int64_t SealedUntil(const Exchange& exchange) {
  return RequestSeconds(exchange) + std::chrono::seconds(oci::kSealedLife).count();
}

}  // namespace connector::dataplane::server
