#pragma once

// UpstreamPolicy: where Connectors may lead, as the platform says (docs/upstream-policy.md). The
// broker reads it from its configuration, and asks it before it mints or probes; what holds for a
// Connector's namespace travels with the route, and the data plane asks it of each address that it
// connects. A ConnectorClass may narrow it, and never widen. Pure.
//
// It judges the address that is connected and not the name, so that a name that resolves
// differently the second time changes nothing. What a Connector says restricts it further.

#include "common/http/origin.h"
#include "common/routing/address_class.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace connector::routing {

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

// Of a ConnectorClass: what its Connectors may reach at most.
struct ClassPolicy {
  Unlisted unlisted = Unlisted::kNone;
  std::vector<UpstreamRule> rules = {};

  bool operator==(const ClassPolicy&) const = default;
};

// The default is that of a laptop, where who writes the Connectors runs the broker.
struct UpstreamPolicy {
  Unlisted unlisted = Unlisted::kLocal;
  bool all_mirrors = true;  // Every namespace serves every other in the mirror form.
  std::vector<UpstreamRule> rules = {};
  std::optional<ClassPolicy> narrowed_by = std::nullopt;  // Must allow it as well.

  bool operator==(const UpstreamPolicy&) const = default;
};

// As configurations write it.
[[nodiscard]] std::string_view ToString(Unlisted value);

// What holds for Connectors of one namespace. `of_class` may be null.
[[nodiscard]] ClassPolicy PolicyFor(const ClassPolicy& all, std::string_view ns);
[[nodiscard]] UpstreamPolicy PolicyFor(const UpstreamPolicy& all,
                                       std::string_view ns,
                                       const ClassPolicy* of_class = nullptr);

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
[[nodiscard]] std::string WhyNotConnected(const UpstreamPolicy& policy,
                                          const http::Origin& origin,
                                          Destination destination,
                                          const IpAddress& address);

// What the platform must allow before `origin` can be reached at all, as far as its text tells:
// nothing is resolved. For the author of a Connector in `ns`. None when it depends on the address.
[[nodiscard]] std::optional<std::string> PolicyProblem(const UpstreamPolicy& policy,
                                                       std::string_view ns,
                                                       const http::Origin& origin);

// The same of a class by itself: what is known before there is a broker.
[[nodiscard]] std::optional<std::string> ClassPolicyProblem(const ClassPolicy& policy,
                                                            std::string_view ns,
                                                            const http::Origin& origin);

// May the namespace's Connectors serve callers of other namespaces under `asked`, the host[:port]
// of the mirror form? In any case.
[[nodiscard]] bool MayMirrorForOthers(const UpstreamPolicy& policy, std::string_view asked);

}  // namespace connector::routing
