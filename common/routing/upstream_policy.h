#pragma once

// UpstreamPolicy: where Connectors may lead, as the platform says (docs/upstream-policy.md). The
// broker reads it from its configuration, and asks it before it mints or probes; what holds for a
// Connector's namespace travels with the route, and the data plane asks it of each address that it
// connects. Pure.
//
// It judges the address that is connected and not the name, so that a name that resolves
// differently the second time changes nothing. What a Connector says restricts it further.

#include "common/http/origin.h"
#include "common/routing/address_class.h"
#include "common/routing/route_settings.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace connector::config::v1 {
class UpstreamPolicy;
}  // namespace connector::config::v1

namespace connector::routing {

// It travels with every route.
inline constexpr std::size_t kMaxUpstreamPolicyBytes = std::size_t{16} * 1024;
inline constexpr int kMaxUpstreamRules = 64;

// What may be reached without a rule.
enum class Unlisted : std::uint8_t { kNone, kPublic, kLocal };

struct UpstreamRule {
  std::vector<std::string> namespaces = {};  // Names, "PREFIX*", "*".
  std::vector<std::string> hosts = {};       // DNS names, "*.SUFFIX"; lower case.
  std::vector<AddressRange> addresses = {};
  bool plain_http = false;
  std::vector<std::string> redirect_hosts = {};  // The same as hosts, and IP addresses.
  std::vector<std::string> mirror_hosts = {};    // "HOST[:PORT]", "*.SUFFIX", "*"; canonical.

  bool operator==(const UpstreamRule&) const = default;
};

// The default is that of a laptop, where who writes the Connectors runs the broker.
struct UpstreamPolicy {
  Unlisted unlisted = Unlisted::kLocal;
  bool all_mirrors = true;  // Every namespace serves every other in the mirror form.
  std::vector<UpstreamRule> rules = {};

  bool operator==(const UpstreamPolicy&) const = default;
};

// What breaks a rule is reported and left out. `in_cluster`: Connectors come from Kubernetes, so
// that their authors are not the platform.
[[nodiscard]] UpstreamPolicy ReadUpstreamPolicy(const config::v1::UpstreamPolicy& file,
                                                bool in_cluster,
                                                const OnProblem& on_problem);

// What holds for Connectors of one namespace.
[[nodiscard]] UpstreamPolicy PolicyFor(const UpstreamPolicy& all, std::string_view ns);

// The same over the broker's API, without the mirror hosts, which are the broker's matter. Nothing
// where the message breaks a rule.
void ToProto(const UpstreamPolicy& policy, config::v1::UpstreamPolicy& out);
[[nodiscard]] std::optional<UpstreamPolicy> FromProto(const config::v1::UpstreamPolicy& from);

// Equal policies give equal text, on every broker; the default gives none.
[[nodiscard]] std::string CanonicalText(const UpstreamPolicy& policy);

enum class Destination : std::uint8_t {
  kRegistry,  // spec.address, and the token service.
  kRedirect,  // Where a registry redirects to, or wants an upload to go.
};

// May a connection to `address` be opened, which `origin` resolved to?
[[nodiscard]] bool MayConnect(const UpstreamPolicy& policy,
                              const http::Origin& origin,
                              Destination destination,
                              const IpAddress& address);

// Why not, for the platform's own log alone: authors and callers must not learn what a name
// resolves to.
[[nodiscard]] std::string WhyNotConnected(const http::Origin& origin, const IpAddress& address);

// What the platform must allow before `origin` can be reached at all, as far as its text tells:
// nothing is resolved. For the author of a Connector in `ns`. None when it depends on the address.
[[nodiscard]] std::optional<std::string> PolicyProblem(const UpstreamPolicy& policy,
                                                       std::string_view ns,
                                                       const http::Origin& origin);

// May the namespace's Connectors serve callers of other namespaces under `asked`, the host[:port]
// of the mirror form? In any case.
[[nodiscard]] bool MayMirrorForOthers(const UpstreamPolicy& policy, std::string_view asked);

}  // namespace connector::routing
