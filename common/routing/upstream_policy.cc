#include "common/routing/upstream_policy.h"

#include "common/base/ascii.h"
#include "common/config/problem.h"
#include "common/routing/host_pattern.h"

#include "proto/connector/config/v1/upstream_policy.pb.h"

#include <algorithm>
#include <array>
#include <utility>

namespace connector::routing {
namespace {

using config::Join;
namespace v1 = config::v1;

constexpr std::array<std::pair<Unlisted, std::string_view>, 3> kUnlistedNames = {
    {{Unlisted::kNone, "none"}, {Unlisted::kPublic, "public"}, {Unlisted::kLocal, "local"}}};
constexpr int kMaxEntries = 64;

std::string_view NameOf(Unlisted value) {
  return std::find_if(kUnlistedNames.begin(),
                      kUnlistedNames.end(),
                      [value](const auto& row) { return row.first == value; })
      ->second;
}

Unlisted ReadUnlisted(const std::string& text, Unlisted otherwise, const OnProblem& on_problem) {
  if (text.empty()) {
    return otherwise;
  }
  const auto* const row = std::find_if(kUnlistedNames.begin(),
                                       kUnlistedNames.end(),
                                       [&](const auto& each) { return each.second == text; });
  if (row == kUnlistedNames.end()) {
    on_problem("unlisted", "must be none, public or local");
    return Unlisted::kNone;
  }
  return row->first;
}

// Docker Hub has three names, and 443 is the port of a name without one.
std::string CanonicalMirrorHost(std::string_view text) {
  std::string host = Lower(text);
  if (host.ends_with(":443") && host.find(':') == host.size() - 4) {
    host.resize(host.size() - 4);
  }
  return IsDockerHubHost(host) ? "docker.io" : host;
}

// Canonical, or empty.
std::string ReadMirrorHost(const std::string& text) {
  if (text == "*") {
    return text;
  }
  if (text.starts_with("*.")) {
    return ReadHostPattern(text);
  }
  const Result<http::Origin> origin = http::ParseOrigin("https://" + text);
  const bool named = text.find_first_of("/?") == std::string::npos;
  return origin && named ? CanonicalMirrorHost(origin->Authority()) : std::string();
}

std::string ReadPolicyHost(const std::string& text) {
  std::string host = ReadHostPattern(text);
  return IpAddress::Parse(host) ? std::string() : host;
}

bool IsNamespacePattern(std::string_view text) {
  if (text.ends_with('*')) {
    text.remove_suffix(1);
  } else if (text.empty()) {
    return false;
  }
  return text.size() <= 63 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
         });
}

// Reads each of `from` by `read`, which gives an empty string for what `message` says no to.
template <typename Read>
std::vector<std::string> ReadAll(const google::protobuf::RepeatedPtrField<std::string>& from,
                                 const std::string& path,
                                 const char* message,
                                 const OnProblem& on_problem,
                                 Read read) {
  std::vector<std::string> out;
  if (from.size() > kMaxEntries) {
    on_problem(path, "has more than 64 entries; write several rules, or wider entries");
    return out;
  }
  for (int i = 0; i < from.size(); ++i) {
    std::string value = read(from.Get(i));
    if (value.empty()) {
      on_problem(Join(path, static_cast<std::size_t>(i)), message);
    } else {
      out.push_back(std::move(value));
    }
  }
  return out;
}

UpstreamRule ReadRule(const v1::UpstreamPolicyRule& from,
                      const std::string& path,
                      const OnProblem& on_problem) {
  constexpr const char* kNoHost =
      "is not a name; write a DNS name or *.SUFFIX, without scheme, port and path, and addresses "
      "under addresses";
  UpstreamRule rule;
  rule.namespaces = ReadAll(
      from.namespaces(),
      Join(path, "namespaces"),
      "is not a namespace; write a name, PREFIX* or *",
      on_problem,
      [](const std::string& text) { return IsNamespacePattern(text) ? text : std::string(); });
  rule.hosts = ReadAll(from.hosts(), Join(path, "hosts"), kNoHost, on_problem, ReadPolicyHost);
  const std::vector<std::string> ranges = ReadAll(
      from.addresses(),
      Join(path, "addresses"),
      "is not an address range; write one such as 10.20.0.0/16 or 10.0.0.7, without bits set "
      "beyond its length",
      on_problem,
      [](const std::string& text) { return ParseRange(text) ? text : std::string(); });
  for (const std::string& text : ranges) {
    rule.addresses.push_back(*ParseRange(text));
  }
  rule.plain_http = from.plain_http();
  rule.redirect_hosts = ReadAll(from.redirect_hosts(),
                                Join(path, "redirectHosts"),
                                "is not a host; write a DNS name, *.SUFFIX or an IP address, "
                                "without scheme, port and path",
                                on_problem,
                                ReadHostPattern);
  rule.mirror_hosts = ReadAll(from.mirror_hosts(),
                              Join(path, "mirrorHosts"),
                              "is not a registry; write HOST[:PORT], *.SUFFIX or *",
                              on_problem,
                              ReadMirrorHost);
  const bool leads_somewhere =
      !(from.hosts().empty() && from.addresses().empty() && from.redirect_hosts().empty());
  if (!leads_somewhere && from.mirror_hosts().empty()) {
    on_problem(path, "allows nothing; add hosts, addresses, redirectHosts or mirrorHosts");
  } else if (!leads_somewhere && from.plain_http()) {
    on_problem(Join(path, "plainHttp"), "says not to what; add hosts or addresses");
  }
  return rule;
}

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

// Could some address of the host be allowed?
bool AnyAddressAllowed(const UpstreamPolicy& policy, const http::Origin& origin) {
  return UnlistedAllows(policy.unlisted, origin.tls, AddressClass::kPublic) ||
         std::any_of(policy.rules.begin(), policy.rules.end(), [&](const UpstreamRule& rule) {
           return (origin.tls || rule.plain_http) &&
                  (!rule.addresses.empty() || IsListedHost(rule.hosts, origin.host));
         });
}

}  // namespace

UpstreamPolicy ReadUpstreamPolicy(const v1::UpstreamPolicy& file,
                                  bool in_cluster,
                                  const OnProblem& on_problem) {
  UpstreamPolicy out;
  out.unlisted =
      ReadUnlisted(file.unlisted(), in_cluster ? Unlisted::kPublic : Unlisted::kLocal, on_problem);
  if (file.rules_size() > kMaxUpstreamRules) {
    on_problem("rules", "has more than 64 entries; put hosts of the same namespaces together");
    return out;
  }
  if (file.ByteSizeLong() > kMaxUpstreamPolicyBytes) {
    on_problem("rules", "are more than 16 KiB, and travel with every route; write wider entries");
    return out;
  }
  for (int i = 0; i < file.rules_size(); ++i) {
    const std::string path = Join("rules", static_cast<std::size_t>(i));
    out.rules.push_back(ReadRule(file.rules(i), path, on_problem));
  }
  out.all_mirrors =
      !in_cluster && std::all_of(out.rules.begin(), out.rules.end(), [](const UpstreamRule& rule) {
        return rule.mirror_hosts.empty();
      });
  return out;
}

UpstreamPolicy PolicyFor(const UpstreamPolicy& all, std::string_view ns) {
  UpstreamPolicy out{all.unlisted, all.all_mirrors, {}};
  for (const UpstreamRule& rule : all.rules) {
    if (IsIn(rule.namespaces, ns)) {
      out.rules.push_back(rule);
    }
  }
  return out;
}

void ToProto(const UpstreamPolicy& policy, v1::UpstreamPolicy& out) {
  out.set_unlisted(std::string(NameOf(policy.unlisted)));
  for (const UpstreamRule& rule : policy.rules) {
    if (rule.hosts.empty() && rule.addresses.empty() && rule.redirect_hosts.empty()) {
      continue;
    }
    v1::UpstreamPolicyRule& to = *out.add_rules();
    to.mutable_hosts()->Assign(rule.hosts.begin(), rule.hosts.end());
    for (const AddressRange& range : rule.addresses) {
      to.add_addresses(range.ToString());
    }
    to.set_plain_http(rule.plain_http);
    to.mutable_redirect_hosts()->Assign(rule.redirect_hosts.begin(), rule.redirect_hosts.end());
  }
}

std::optional<UpstreamPolicy> FromProto(const v1::UpstreamPolicy& from) {
  bool good = true;
  UpstreamPolicy policy = ReadUpstreamPolicy(
      from, true, [&good](const std::string& /*path*/, const char* /*message*/) { good = false; });
  return good ? std::optional(std::move(policy)) : std::nullopt;
}

std::string CanonicalText(const UpstreamPolicy& policy) {
  if (policy == UpstreamPolicy{}) {
    return {};
  }
  v1::UpstreamPolicy out;
  ToProto(policy, out);
  for (const UpstreamRule& rule : policy.rules) {
    v1::UpstreamPolicyRule& to = *out.add_rules();
    to.mutable_mirror_hosts()->Assign(rule.mirror_hosts.begin(), rule.mirror_hosts.end());
  }
  // The messages have no map, so that their bytes are the same everywhere.
  return (policy.all_mirrors ? "all" : "own") + out.SerializeAsString();
}

bool MayConnect(const UpstreamPolicy& policy,
                const http::Origin& origin,
                Destination destination,
                const IpAddress& address) {
  return UnlistedAllows(policy.unlisted, origin.tls, Classify(address).kind) ||
         std::any_of(policy.rules.begin(), policy.rules.end(), [&](const UpstreamRule& rule) {
           return RuleAllows(rule, origin, destination, address);
         });
}

std::string WhyNotConnected(const http::Origin& origin, const IpAddress& address) {
  return "upstreamPolicy does not allow " + address.ToString() + ", " +
         std::string(ToString(Classify(address).kind)) + (origin.tls ? "" : ", without TLS");
}

std::optional<std::string> PolicyProblem(const UpstreamPolicy& policy,
                                         std::string_view ns,
                                         const http::Origin& origin) {
  const std::optional<IpAddress> literal = IpAddress::Parse(origin.host);
  if (literal ? MayConnect(policy, origin, Destination::kRegistry, *literal)
              : AnyAddressAllowed(policy, origin)) {
    return std::nullopt;
  }
  const std::string host = literal ? literal->ToString() : origin.host;
  return "the platform does not let Connectors of namespace " + std::string(ns) + " reach " + host +
         (literal ? ", " + std::string(ToString(Classify(*literal).kind)) : "") +
         (origin.tls ? "" : ", without TLS") +
         "; ask its operators for a rule of the broker's upstreamPolicy with " +
         (literal ? "addresses: [" : "hosts: [") + host + "]" +
         (origin.tls ? "" : " and plainHttp: true");
}

bool MayMirrorForOthers(const UpstreamPolicy& policy, std::string_view asked) {
  if (policy.all_mirrors) {
    return true;
  }
  const std::string host = CanonicalMirrorHost(asked);
  return std::any_of(policy.rules.begin(), policy.rules.end(), [&](const UpstreamRule& rule) {
    return std::any_of(rule.mirror_hosts.begin(),
                       rule.mirror_hosts.end(),
                       [](const std::string& pattern) { return pattern == "*"; }) ||
           IsListedHost(rule.mirror_hosts, host);
  });
}

}  // namespace connector::routing
