#include "dataplane/server/rewrite.h"

#include "dataplane/oci/link.h"
#include "dataplane/oci/sealed_target.h"
#include "dataplane/oci/upload_cookies.h"
#include "dataplane/oci/upload_session.h"
#include "dataplane/server/egress_policy.h"

#include <algorithm>
#include <utility>

namespace connector::dataplane::server {
namespace {

using addressing::OperationKind;
using http::HeaderId;
using http::Method;
using oci::ErrorKind;
using oci::ErrorReply;

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

ErrorReply RefuseEcho() {
  return oci::ReplyFor(ErrorKind::kUpstreamUnavailable,
                       "The registry's answer repeats the credential that it was sent.");
}

// An open upload: where it goes on is sealed, so that any replica can go on with it.
RewriteResult RewriteUpload(const Authorized& authorized, const UpstreamCall& call) {
  const routes::Route& route = authorized.route();
  const Result<http::Url> asked = AskedUrl(call);
  if (!asked) {
    return oci::ReplyFor(ErrorKind::kInternal);
  }
  const std::string_view location =
      authorized.context().scratch.response.fields.Find(HeaderId::kLocation);
  if (Echoes(authorized, call, location)) {
    return RefuseEcho();
  }
  const std::string repository =
      addressing::UpstreamRepository(authorized.operation().repository, route.docker_hub);
  oci::HopDecision decision =
      oci::DecideUploadLocation(EgressPolicyOf(route), repository, *asked, location);
  if (const auto* refusal = std::get_if<oci::HopRefusal>(&decision)) {
    return oci::ReplyFor(ErrorKind::kRedirectRefused, oci::Sentence(*refusal));
  }
  oci::NextHop& hop = std::get<oci::NextHop>(decision);
  // Only what this origin set, and only for itself.
  std::string cookies;
  if (call.target().hop == oci::HopKind::kRegistry && hop.url.origin == call.target().origin) {
    cookies = oci::CookiesAfter(call.target().cookies,
                                authorized.context().scratch.response.fields,
                                hop.url,
                                RequestSeconds(authorized.context()));
  }
  // A session must fit into a request line; a long target leaves no room.
  if (hop.url.Target().size() + cookies.size() > oci::kMaxUploadTargetBytes) {
    cookies.clear();
  }
  const Result<std::string> sealed =
      oci::SealUpload(*authorized.context().worker.sealing_keys,
                      {.connector = route.ref,
                       .repository = repository,
                       .subject = authorized.grant().subject,
                       .expires_at = SealedUntil(authorized.context()),
                       .url = std::move(hop.url),
                       .cookies = std::move(cookies)});
  if (!sealed) {
    return oci::ReplyFor(ErrorKind::kBrokerUnavailable, sealed.error().message);
  }
  return Rewritten{.location = oci::UploadLocation(
                       authorized.context().address, authorized.operation().repository, *sealed),
                   .link = {},
                   .upload_uuid = oci::DerivedUuid(*sealed)};
}

// redirects.mode: pass. Absolute, whatever the registry wrote: the client would resolve it against
// us. That it leads elsewhere has been decided (forward.cc).
RewriteResult PassRedirect(const Authorized& authorized, const UpstreamCall& call) {
  const Result<http::Url> asked = AskedUrl(call);
  const Result<http::Url> url =
      asked ? http::ResolveReference(
                  *asked, authorized.context().scratch.response.fields.Find(HeaderId::kLocation))
            : asked;
  if (!url) {
    return oci::ReplyFor(ErrorKind::kRedirectRefused, oci::Sentence(oci::HopRefusal::kNoLocation));
  }
  return Rewritten{.location = url->ToString(), .link = {}, .upload_uuid = {}};
}

// Where the connector's registry has the list, whoever answered.
http::Url ListUrl(const Authorized& authorized) {
  const routes::Route& route = authorized.route();
  http::Url url{route.origin, {}, {}};
  addressing::AppendUpstreamTarget(url.path, authorized.operation(), route.docker_hub);
  url.path.resize(std::min(url.path.find('?'), url.path.size()));
  return url;
}

RewriteResult RewriteNextLink(const Authorized& authorized, const UpstreamCall& call) {
  const Result<http::Url> asked = AskedUrl(call);
  if (!asked) {
    return oci::ReplyFor(ErrorKind::kInternal);
  }
  const oci::LinkContext context{.operation = authorized.operation(),
                                 .address = authorized.context().address,
                                 .asked = *asked,
                                 .list = ListUrl(authorized),
                                 .docker_hub = authorized.route().docker_hub,
                                 .keys = *authorized.context().worker.sealing_keys,
                                 .connector = authorized.route().ref,
                                 .subject = authorized.grant().subject,
                                 .expires_at = SealedUntil(authorized.context())};
  Rewritten rewritten;
  // Some registries write each relation into a field of its own.
  for (const http::HeaderField& field : authorized.context().scratch.response.fields) {
    if (field.id != HeaderId::kLink || !rewritten.link.empty()) {
      continue;
    }
    if (Echoes(authorized, call, field.value)) {
      return RefuseEcho();
    }
    Result<std::string> link = oci::RewriteLink(context, field.value);
    if (!link) {
      const bool upstream = link.error().origin == ErrorOrigin::kUpstream;
      return oci::ReplyFor(
          upstream ? ErrorKind::kUpstreamUnavailable : ErrorKind::kBrokerUnavailable,
          link.error().message);
    }
    rewritten.link = *std::move(link);
  }
  return rewritten;
}

}  // namespace

RewriteResult RewriteAnswer(const Authorized& authorized, const UpstreamCall& call) {
  const http::ResponseHead& head = authorized.context().scratch.response;
  const addressing::Operation& operation = authorized.operation();
  const int status = head.status;
  if (status >= 300 && status < 400) {
    return status == 304 ? RewriteResult() : PassRedirect(authorized, call);
  }
  if (status == 201 && Stores(operation)) {
    return Rewritten{
        .location = oci::FinalLocation(operation,
                                       authorized.context().address,
                                       head.fields.Find(HeaderId::kDockerContentDigest)),
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
    return RewriteUpload(authorized, call);
  }
  const bool list =
      operation.kind == OperationKind::kTags || operation.kind == OperationKind::kReferrers;
  if (list && status == 200 && head.fields.Has(HeaderId::kLink)) {
    return RewriteNextLink(authorized, call);
  }
  return RewriteResult();
}

Result<http::Url> AskedUrl(const UpstreamCall& call) {
  return http::ParseUrl(call.target().origin.ToString() + call.target().target);
}

oci::Asked AskedBy(const Authorized& authorized, const UpstreamCall& call) {
  return {call.target().origin, call.target().target, authorized.route().redirects.hosts};
}

oci::EchoSearch EchoSearchFor(const Authorized& authorized,
                              const UpstreamCall& call,
                              const oci::Asked& asked) {
  return call.target().send_credential ? oci::EchoSearch(authorized.grant().no_echo, asked)
                                       : oci::EchoSearch();
}

bool Echoes(const Authorized& authorized, const UpstreamCall& call, std::string_view value) {
  const oci::Asked asked = AskedBy(authorized, call);
  return EchoSearchFor(authorized, call, asked).Found(value);
}

std::int64_t RequestSeconds(const RequestContext& context) {
  return std::chrono::duration_cast<std::chrono::seconds>(
             context.record.started_at.time_since_epoch())
      .count();
}

std::int64_t SealedUntil(const RequestContext& context) {
  return RequestSeconds(context) + std::chrono::seconds(oci::kSealedLife).count();
}

}  // namespace connector::dataplane::server
