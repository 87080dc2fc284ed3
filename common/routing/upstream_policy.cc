#include "common/routing/upstream_policy.h"

#include "common/routing/host_pattern.h"

#include <algorithm>
#include <iterator>

namespace connector::routing {
namespace {

bool IsIn(const std::vector<std::string>& patterns, std::string_view ns) {
  return std::any_of(patterns.begin(), patterns.end(), [ns](std::string_view pattern) {
    if (!pattern.ends_with('*')) {
      return pattern == ns;
    }
    pattern.remove_suffix(1);
    return ns.starts_with(pattern);
  });
}

// A wide range does not name what is loopback, link-local or metadata.
bool Names(const AddressRange& range, const IpAddress& address, const AddressKind& kind) {
  const bool only_by_name =
      kind.kind == AddressClass::kLoopback || kind.kind == AddressClass::kSpecial;
  return range.Covers(address) && (!only_by_name || range.bits >= kind.block_bits);
}

bool IsPublicOrPrivate(const AddressKind& kind) {
  return kind.kind == AddressClass::kPublic || kind.kind == AddressClass::kPrivate;
}

// A registry chooses every path of a redirect, and only some of a request to itself. So what is
// allowed as a registry is not allowed as the target of a redirect.
bool AllowsRedirect(const UpstreamRule& rule,
                    const http::Origin& origin,
                    const IpAddress& address) {
  return IpAddress::Parse(origin.host)
             ? std::find(rule.redirect_hosts.begin(), rule.redirect_hosts.end(), origin.host) !=
                   rule.redirect_hosts.end()
             : IsPublicOrPrivate(Classify(address)) &&
                   IsListedHost(rule.redirect_hosts, origin.host);
}

bool AllowsRegistry(const UpstreamRule& rule,
                    const http::Origin& origin,
                    const IpAddress& address) {
  const AddressKind kind = Classify(address);
  return std::any_of(rule.addresses.begin(),
                     rule.addresses.end(),
                     [&](const AddressRange& range) { return Names(range, address, kind); }) ||
         (IsPublicOrPrivate(kind) && IsListedHost(rule.hosts, origin.host));
}

bool RuleAllows(const UpstreamRule& rule,
                const http::Origin& origin,
                Destination destination,
                const IpAddress& address) {
  return (origin.tls || rule.plain_http) &&
         (destination == Destination::kRedirect ? AllowsRedirect(rule, origin, address)
                                                : AllowsRegistry(rule, origin, address));
}

bool UnlistedAllows(Unlisted unlisted, bool tls, AddressClass kind) {
  switch (unlisted) {
    case Unlisted::kNone:
      return false;
    case Unlisted::kPublic:
      return tls && kind == AddressClass::kPublic;
    case Unlisted::kLocal:
      break;
  }
  return kind != AddressClass::kSpecial;
}

bool AnyRuleAllows(const std::vector<UpstreamRule>& rules,
                   const http::Origin& origin,
                   Destination destination,
                   const IpAddress& address) {
  return std::any_of(rules.begin(), rules.end(), [&](const UpstreamRule& rule) {
    return RuleAllows(rule, origin, destination, address);
  });
}

// Of an UpstreamPolicy by itself, or a ClassPolicy.
template <typename Policy>
bool Allows(const Policy& policy,
            const http::Origin& origin,
            Destination destination,
            const IpAddress& address) {
  return UnlistedAllows(policy.unlisted, origin.tls, Classify(address).kind) ||
         AnyRuleAllows(policy.rules, origin, destination, address);
}

// Could some address of the host be allowed? For a registry.
template <typename Policy>
bool AnyAddressAllowed(const Policy& policy, const http::Origin& origin) {
  if (const std::optional<IpAddress> literal = IpAddress::Parse(origin.host)) {
    return Allows(policy, origin, Destination::kRegistry, *literal);
  }
  return UnlistedAllows(policy.unlisted, origin.tls, AddressClass::kPublic) ||
         std::any_of(policy.rules.begin(), policy.rules.end(), [&](const UpstreamRule& rule) {
           return (origin.tls || rule.plain_http) &&
                  (!rule.addresses.empty() || IsListedHost(rule.hosts, origin.host));
         });
}

bool Mirrors(const std::vector<UpstreamRule>& rules, const std::string& host) {
  return std::any_of(rules.begin(), rules.end(), [&](const UpstreamRule& rule) {
    return std::any_of(rule.mirror_hosts.begin(),
                       rule.mirror_hosts.end(),
                       [](const std::string& pattern) { return pattern == "*"; }) ||
           IsListedHost(rule.mirror_hosts, host);
  });
}

// For whoever wrote the Connector.
std::string Refusal(std::string_view ns, const http::Origin& origin, const char* whose) {
  const std::optional<IpAddress> literal = IpAddress::Parse(origin.host);
  const std::string host = literal ? literal->ToString() : origin.host;
  return "the platform does not let Connectors of namespace " + std::string(ns) + " reach " + host +
         (literal ? ", " + std::string(ToString(Classify(*literal).kind)) : "") +
         (origin.tls ? "" : ", without TLS") + "; ask its operators for a rule of " + whose +
         " upstreamPolicy with " + (literal ? "addresses: [" : "hosts: [") + host + "]" +
         (origin.tls ? "" : " and plainHttp: true");
}

std::vector<UpstreamRule> RulesFor(const std::vector<UpstreamRule>& all, std::string_view ns) {
  std::vector<UpstreamRule> out;
  std::copy_if(all.begin(), all.end(), std::back_inserter(out), [ns](const UpstreamRule& rule) {
    return IsIn(rule.namespaces, ns);
  });
  return out;
}

}  // namespace

std::string_view ToString(Unlisted value) {
  switch (value) {
    case Unlisted::kPublic:
      return "public";
    case Unlisted::kLocal:
      return "local";
    case Unlisted::kNone:
      break;
  }
  return "none";
}

ClassPolicy PolicyFor(const ClassPolicy& all, std::string_view ns) {
  return {all.unlisted, RulesFor(all.rules, ns)};
}

UpstreamPolicy PolicyFor(const UpstreamPolicy& all,
                         std::string_view ns,
                         const ClassPolicy* of_class) {
  UpstreamPolicy out{all.unlisted, all.all_mirrors, RulesFor(all.rules, ns)};
  if (of_class != nullptr) {
    out.narrowed_by = PolicyFor(*of_class, ns);
  }
  return out;
}

bool MayConnect(const UpstreamPolicy& policy,
                const http::Origin& origin,
                Destination destination,
                const IpAddress& address) {
  return Allows(policy, origin, destination, address) &&
         (!policy.narrowed_by || Allows(*policy.narrowed_by, origin, destination, address));
}

std::string WhyNotConnected(const UpstreamPolicy& policy,
                            const http::Origin& origin,
                            Destination destination,
                            const IpAddress& address) {
  return std::string(Allows(policy, origin, destination, address)
                         ? "upstreamPolicy of the ConnectorClass"
                         : "upstreamPolicy") +
         " does not allow " + address.ToString() + ", " +
         std::string(ToString(Classify(address).kind)) + (origin.tls ? "" : ", without TLS");
}

std::optional<std::string> PolicyProblem(const UpstreamPolicy& policy,
                                         std::string_view ns,
                                         const http::Origin& origin) {
  const bool platform = AnyAddressAllowed(policy, origin);
  if (platform && (!policy.narrowed_by || AnyAddressAllowed(*policy.narrowed_by, origin))) {
    return std::nullopt;
  }
  return Refusal(ns, origin, platform ? "the ConnectorClass's" : "the broker's");
}

std::optional<std::string> ClassPolicyProblem(const ClassPolicy& policy,
                                              std::string_view ns,
                                              const http::Origin& origin) {
  return AnyAddressAllowed(PolicyFor(policy, ns), origin)
             ? std::nullopt
             : std::optional(Refusal(ns, origin, "the ConnectorClass's"));
}

bool MayMirrorForOthers(const UpstreamPolicy& policy, std::string_view asked) {
  const std::string host = CanonicalMirrorHost(asked);
  return (policy.all_mirrors || Mirrors(policy.rules, host)) &&
         (!policy.narrowed_by || Mirrors(policy.narrowed_by->rules, host));
}

}  // namespace connector::routing
