#include "dataplane/server/first_target.h"

#include "dataplane/oci/page_state.h"
#include "dataplane/oci/upload_session.h"
#include "dataplane/server/egress_policy.h"
#include "dataplane/server/rewrite.h"

#include <string>
#include <utility>

namespace connector::dataplane::server {
namespace {

using oci::ErrorKind;
using oci::ErrorReply;

// Before it has keys, a data plane does not know whether it could open something: it must not say
// that an upload is unknown, because clients then give it up.
bool IsWithoutKeys(const Authorized& authorized) {
  return authorized.context().worker.sealing_keys->empty();
}

ErrorReply NoKeysYet() {
  return oci::ReplyFor(ErrorKind::kBrokerUnavailable,
                       "This data plane has no keys for uploads and pages yet; try again in a "
                       "moment.");
}

ErrorReply RefuseSealed(const Authorized& authorized, oci::SealRefusal refusal, ErrorKind kind) {
  authorized.context().worker.shared.logger.Info("rejected upload session or page token",
                                                 {{"request_id", authorized.context().request_id},
                                                  {"connector", authorized.route().ref.ToString()},
                                                  {"reason", oci::Name(refusal)}});
  return oci::ReplyFor(kind);
}

FirstHop UploadTarget(const Authorized& authorized) {
  if (IsWithoutKeys(authorized)) {
    return NoKeysYet();
  }
  const routes::Route& route = authorized.route();
  const std::string repository =
      addressing::UpstreamRepository(authorized.operation().repository, route.docker_hub);
  auto opened = oci::OpenUpload(*authorized.context().worker.sealing_keys,
                                authorized.operation().reference,
                                {.connector = route.ref,
                                 .repository = repository,
                                 .subject = authorized.grant().subject,
                                 .now = RequestSeconds(authorized.context()),
                                 .policy = EgressPolicyOf(route)});
  if (const auto* refusal = std::get_if<oci::SealRefusal>(&opened)) {
    return RefuseSealed(authorized, *refusal, ErrorKind::kUploadUnknown);
  }
  oci::NextHop& hop = std::get<oci::NextHop>(opened);
  const bool own = hop.url.origin == route.origin;
  return UpstreamTarget{.origin = hop.url.origin,
                        .target = oci::UploadTarget(hop.url, authorized.operation().digest),
                        .method = authorized.operation().method,
                        .hop = own ? oci::HopKind::kRegistry : oci::HopKind::kForeign,
                        .send_credential = hop.send_credential,
                        .allow_private_address = hop.allow_private_address,
                        .cookies = std::move(hop.cookies)};
}

FirstHop ListTarget(const Authorized& authorized) {
  const routes::Route& route = authorized.route();
  const addressing::Operation& operation = authorized.operation();
  // Registries do not know HEAD here, and the length of a renamed list is ours to find out.
  UpstreamTarget target{.origin = route.origin, .method = http::Method::kGet};
  addressing::AppendUpstreamTarget(target.target, operation, route.docker_hub);
  if (operation.page.empty()) {
    return target;
  }
  if (IsWithoutKeys(authorized)) {
    return NoKeysYet();
  }
  auto opened = oci::OpenPage(*authorized.context().worker.sealing_keys,
                              operation.page,
                              {.connector = route.ref,
                               .origin = route.origin,
                               .path = target.target,
                               .subject = authorized.grant().subject,
                               .now = RequestSeconds(authorized.context())});
  if (const auto* refusal = std::get_if<oci::SealRefusal>(&opened)) {
    ErrorReply reply = RefuseSealed(authorized, *refusal, ErrorKind::kPageInvalid);
    reply.message = "This link to a page is not, or no longer, valid; list again from the start.";
    return reply;
  }
  target.target.append("?").append(std::get<std::string>(opened));
  return target;
}

}  // namespace

FirstHop FirstTarget(const Authorized& authorized) {
  switch (authorized.operation().kind) {
    case addressing::OperationKind::kUploadSession:
      return UploadTarget(authorized);
    case addressing::OperationKind::kTags:
    case addressing::OperationKind::kReferrers:
      return ListTarget(authorized);
    default:
      break;
  }
  UpstreamTarget target{.origin = authorized.route().origin,
                        .method = authorized.operation().method};
  addressing::AppendUpstreamTarget(
      target.target, authorized.operation(), authorized.route().docker_hub);
  return target;
}

}  // namespace connector::dataplane::server
