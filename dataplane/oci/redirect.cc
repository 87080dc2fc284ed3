#include "dataplane/oci/redirect.h"

#include "common/routing/address_class.h"
#include "common/routing/host_pattern.h"
#include "dataplane/addressing/query.h"
#include "dataplane/oci/sealed_target.h"

#include <algorithm>
#include <array>
#include <optional>

namespace connector::dataplane::oci {
namespace {

using addressing::Operation;
using addressing::OperationKind;
using http::Method;
using http::Url;

constexpr std::uint16_t kHttpPort = 80;

bool IsRedirectStatus(int status) {
  constexpr std::array kFollowed = {301, 302, 303, 307, 308};
  return std::find(kFollowed.begin(), kFollowed.end(), status) != kFollowed.end();
}

bool IsPrivateLiteral(const std::string& host) {
  const std::optional<routing::IpAddress> address = routing::IpAddress::Parse(host);
  return address && routing::Classify(*address).kind != routing::AddressClass::kPublic;
}

bool IsRead(const Operation& operation) {
  return operation.method == Method::kGet || operation.method == Method::kHead;
}

// The same blob, manifest or list of the same repository, by the grammar that the client's own
// target went through.
bool IsSameOperation(const Operation& operation, bool docker_hub, const Url& url) {
  const addressing::ParsedTarget parsed = addressing::ParseTarget(operation.method, url.Target());
  const auto* found = std::get_if<Operation>(&parsed);
  return found != nullptr && found->kind == operation.kind &&
         found->repository == addressing::UpstreamRepository(operation.repository, docker_hub) &&
         found->reference == operation.reference;
}

// Nothing in the query makes another write of it. What stands there was never in the client's
// request, or as it was there.
bool IsSameWrite(const Operation& operation, bool docker_hub, const Url& url) {
  constexpr std::array<std::string_view, 2> kOtherRequest = {"ns", "_method"};
  const addressing::ParsedTarget parsed = addressing::ParseTarget(operation.method, url.Target());
  const auto* found = std::get_if<Operation>(&parsed);
  if (found == nullptr || addressing::MayHoldKey(url.query, kOtherRequest)) {
    return false;
  }
  const auto same = [](const auto& moved, const auto& asked) {
    return moved.empty() || moved == asked;
  };
  const std::string from = operation.from.empty()
                               ? std::string()
                               : addressing::UpstreamRepository(operation.from, docker_hub);
  return same(found->mount, operation.mount) && same(found->from, from) &&
         same(found->digest, operation.digest) && same(found->tags, operation.tags);
}

// 307 and 308 keep method and body. An upload that is under way has a target of the registry's own,
// which is decided as its Location was.
HopDecision DecideWrite(const EgressPolicy& policy, const RedirectSeen& seen, Url url) {
  const Operation& operation = seen.operation;
  if ((seen.status != 307 && seen.status != 308) || seen.body_sent ||
      !IsAddress(policy, seen.asked.origin)) {
    return HopRefusal::kNotRedirectable;
  }
  const std::string repository =
      addressing::UpstreamRepository(operation.repository, seen.docker_hub);
  const bool under_way = operation.kind == OperationKind::kUploadSession;
  HopDecision decision = under_way ? DecideUploadTarget(policy, repository, std::move(url))
                                   : DecideOrigin(policy, std::move(url));
  auto* const hop = std::get_if<NextHop>(&decision);
  if (hop == nullptr) {
    return decision;
  }
  if (!under_way) {
    hop->send_credential = hop->url.origin == policy.address &&
                           IsSameOperation(operation, seen.docker_hub, hop->url) &&
                           IsSameWrite(operation, seen.docker_hub, hop->url);
  }
  return hop->send_credential ? decision : HopDecision(HopRefusal::kNotRedirectable);
}

}  // namespace

std::string_view Sentence(HopRefusal refusal) {
  switch (refusal) {
    case HopRefusal::kNotRedirectable:
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
    case HopRefusal::kReadNotListed:
      return "The registry redirected a manifest or a list to a host that upstream.redirects.hosts "
             "does not list.";
    case HopRefusal::kNotThisUpload:
      return "The registry moved an upload to a path that is no upload of this repository.";
  }
  return {};
}

bool IsAddress(const EgressPolicy& policy, const http::Origin& origin) {
  const http::Origin& own = policy.address;
  return origin == own || (own.tls && !origin.tls && origin.host == own.host &&
                           (origin.port == own.port || origin.port == kHttpPort));
}

HopDecision DecideOrigin(const EgressPolicy& policy, Url url) {
  if (IsAddress(policy, url.origin)) {
    url.origin = policy.address;
  }
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
  if (!IsRedirectStatus(seen.status)) {
    return HopRefusal::kStatus;
  }
  if (seen.followed >= kMaxRedirects) {
    return HopRefusal::kTooManyRedirects;
  }
  if (seen.location.size() > kMaxRedirectBytes) {
    return HopRefusal::kNoLocation;
  }
  Result<Url> url = http::ResolveReference(seen.asked, seen.location);
  if (!url) {
    return HopRefusal::kNoLocation;
  }
  const Operation& operation = seen.operation;
  if (!IsRead(operation) || operation.kind == OperationKind::kUploadSession) {
    return DecideWrite(policy, seen, *std::move(url));
  }
  HopDecision decision = DecideOrigin(policy, *std::move(url));
  auto* const hop = std::get_if<NextHop>(&decision);
  if (hop == nullptr) {
    return decision;
  }
  // A blob is what its digest says. A manifest by its tag, and a list, are what the host says.
  if (operation.kind != OperationKind::kBlob && !hop->allow_private_address) {
    return HopRefusal::kReadNotListed;
  }
  // Once outside, the way back does not get the credential either.
  hop->send_credential = hop->url.origin == policy.address && seen.asked.origin == policy.address &&
                         IsSameOperation(operation, seen.docker_hub, hop->url);
  // A registry that cleans paths would lead to another repository's manifest.
  if (operation.kind != OperationKind::kBlob && hop->url.origin == policy.address &&
      !hop->send_credential) {
    return HopRefusal::kNotRedirectable;
  }
  return decision;
}

}  // namespace connector::dataplane::oci
