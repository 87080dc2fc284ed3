#pragma once

// Decides where a redirect may lead (promise P5), and what holds for every place that the other
// side proposes: the connector's configuration decides, and whether the credential goes along is
// part of the decision. Uploads: sealed_target.h.
//
// Pure. Where `allow_private_address` is false, the address that is then connected must be public,
// and in any case the platform's policy must allow it (common/routing/upstream_policy.h). Rule
// source: docs/rules.md "Redirects".

#include "common/http/origin.h"
#include "dataplane/addressing/target.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace connector::dataplane::oci {

inline constexpr int kMaxRedirects = 5;
inline constexpr std::size_t kMaxRedirectBytes = 16 * 1024;     // Presigned URLs are long.
inline constexpr std::size_t kMaxUploadTargetBytes = 8 * 1024;  // Travels sealed, in a path.

// What the connector's configuration allows. Refers to the route; lives for the decision only.
struct EgressPolicy {
  const http::Origin& address;
  std::span<const std::string> redirect_hosts;  // DNS names, "*.suffix", IP literals; lower case.
  bool allow_insecure = false;                  // spec.upstream.allowInsecureUpstream
  // Whether the registry itself refuses the credential for another repository than the request's.
  bool scoped_credential = false;
};

// Is `origin` the connector's own address? So is its host with http in place of https, at the same
// port or at the scheme's own: a registry behind a TLS terminator does not know better.
[[nodiscard]] bool IsAddress(const EgressPolicy& policy, const http::Origin& origin);

// Where to go next, and what may go there.
struct NextHop {
  http::Url url;
  bool send_credential = false;
  bool allow_private_address = false;  // The connector's own origin, or a listed host.
  std::string cookies = {};            // Of an upload at the connector's own origin.

  bool operator==(const NextHop&) const = default;
};

enum class HopRefusal : std::uint8_t {
  kNotRedirectable,  // A write, but for 307 and 308 to the same operation of the same origin.
  kStatus,           // Not 301, 302, 303, 307 or 308.
  kTooManyRedirects,
  kNoLocation,      // Missing, too long, or not a URL that resolves.
  kInsecure,        // http without allowInsecureUpstream.
  kPrivateAddress,  // The host is the literal of a private address, and not listed.
  kHostNotListed,   // An upload elsewhere than the connector's origin or a listed host.
  kReadNotListed,   // The same of a manifest or a list.
  kNotThisUpload,   // On the connector's origin, and no upload of the repository.
};
[[nodiscard]] std::string_view Sentence(HopRefusal refusal);

using HopDecision = std::variant<NextHop, HopRefusal>;

struct RedirectSeen {
  const addressing::Operation& operation;  // In the client's naming, without a prefix.
  bool docker_hub = false;
  const http::Url& asked;  // What answered with the redirect.
  int status = 0;
  std::string_view location = {};
  int followed = 0;        // Redirects followed before this one.
  bool body_sent = false;  // A byte of the request's body: it cannot be sent again.
};

// May this redirect be followed inside? Reads of blobs lead anywhere that is public, those of
// manifests and lists to the connector's own origin or a listed host. A write leads nowhere but to
// the same operation on the connector's own origin. A refusal is a 502.
[[nodiscard]] HopDecision DecideRedirect(const EgressPolicy& policy, const RedirectSeen& seen);

// What holds for every hop: TLS, and no private address that is not listed; another name of the
// address becomes the address. Never grants the credential.
[[nodiscard]] HopDecision DecideOrigin(const EgressPolicy& policy, http::Url url);

}  // namespace connector::dataplane::oci
