#include "dataplane/oci/redirect.h"

#include "common/routing/address_class.h"
#include "common/routing/host_pattern.h"

#include <algorithm>
#include <array>
#include <optional>

namespace connector::dataplane::oci {
namespace {

using addressing::Operation;
using addressing::OperationKind;
using http::Method;
using http::Url;

bool IsRedirectStatus(int status) {
  constexpr std::array kFollowed = {301, 302, 303, 307, 308};
  return std::find(kFollowed.begin(), kFollowed.end(), status) != kFollowed.end();
}

bool IsPrivateLiteral(const std::string& host) {
  const std::optional<routing::IpAddress> address = routing::IpAddress::Parse(host);
  return address && routing::Classify(*address).kind != routing::AddressClass::kPublic;
}

// The same blob of the same repository, by the grammar that the client's own target went through.
bool IsSameOperation(const Operation& operation, bool docker_hub, const Url& url) {
  const addressing::ParsedTarget parsed = addressing::ParseTarget(operation.method, url.Target());
  const auto* found = std::get_if<Operation>(&parsed);
  return found != nullptr && found->kind == operation.kind &&
         found->repository == addressing::UpstreamRepository(operation.repository, docker_hub) &&
         found->reference == operation.reference;
}

}  // namespace

std::string_view Sentence(HopRefusal refusal) {
  switch (refusal) {
    case HopRefusal::kNotABlobRead:
      return "The registry redirected a request that must not be redirected.";
    case HopRefusal::kStatus:
      return "The registry answered with a redirect of an unknown kind.";
    case HopRefusal::kTooManyRedirects:
      return "The registry redirected more than five times.";
    case HopRefusal::kNoLocation:
      return "The registry's Location is missing or is not a URL.";
    case HopRefusal::kInsecure:
      return "The registry pointed to an address without TLS; allowInsecureUpstream is not set.";
    case HopRefusal::kPrivateAddress:
      return "The registry pointed to a private address that upstream.redirects.hosts does not "
             "list.";
    case HopRefusal::kHostNotListed:
      return "The registry moved an upload to a host that upstream.redirects.hosts does not list.";
    case HopRefusal::kNotThisUpload:
      return "The registry moved an upload to a path that is no upload of this repository.";
  }
  return {};
}

HopDecision DecideOrigin(const EgressPolicy& policy, Url url) {
  NextHop hop{std::move(url), false, false};
  if (!hop.url.origin.tls && !policy.allow_insecure) {
    return HopRefusal::kInsecure;
  }
  hop.allow_private_address = hop.url.origin == policy.address ||
                              routing::IsListedHost(policy.redirect_hosts, hop.url.origin.host);
  if (!hop.allow_private_address && IsPrivateLiteral(hop.url.origin.host)) {
    return HopRefusal::kPrivateAddress;
  }
  return hop;
}

HopDecision DecideRedirect(const EgressPolicy& policy, const RedirectSeen& seen) {
  const Operation& operation = seen.operation;
  if (operation.kind != OperationKind::kBlob ||
      (operation.method != Method::kGet && operation.method != Method::kHead)) {
    return HopRefusal::kNotABlobRead;
  }
  if (!IsRedirectStatus(seen.status)) {
    return HopRefusal::kStatus;
  }
  if (seen.followed >= kMaxRedirects) {
    return HopRefusal::kTooManyRedirects;
  }
  if (seen.location.size() > kMaxUploadTargetBytes) {
    return HopRefusal::kNoLocation;
  }
  Result<Url> url = http::ResolveReference(seen.asked, seen.location);
  if (!url) {
    return HopRefusal::kNoLocation;
  }
  HopDecision decision = DecideOrigin(policy, *std::move(url));
  if (auto* hop = std::get_if<NextHop>(&decision)) {
    // Once outside, the way back does not get the credential either.
    hop->send_credential = hop->url.origin == policy.address &&
                           seen.asked.origin == policy.address &&
                           IsSameOperation(operation, seen.docker_hub, hop->url);
  }
  return decision;
}

}  // namespace connector::dataplane::oci
