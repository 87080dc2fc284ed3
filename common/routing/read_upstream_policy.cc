#include "common/routing/read_upstream_policy.h"

#include "common/config/problem.h"
#include "common/routing/host_pattern.h"
#include "common/routing/upstream_policy_proto.h"

#include "proto/connector/config/v1/upstream_policy.pb.h"

#include <algorithm>
#include <utility>

namespace connector::routing {
namespace {

using config::Join;
namespace v1 = config::v1;

constexpr int kMaxEntries = 64;

Unlisted ReadUnlisted(const std::string& text, Unlisted otherwise, const OnProblem& on_problem) {
  if (text.empty()) {
    return otherwise;
  }
  for (const Unlisted value : {Unlisted::kNone, Unlisted::kPublic, Unlisted::kLocal}) {
    if (ToString(value) == text) {
      return value;
    }
  }
  on_problem("unlisted", "must be none, public or local");
  return Unlisted::kNone;
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

// An address may be longer as it travels than as it was written.
bool IsTooLarge(const std::vector<UpstreamRule>& rules) {
  v1::UpstreamPolicy sent;
  ToProto(ClassPolicy{Unlisted::kPublic, rules}, sent);
  return sent.ByteSizeLong() > kMaxUpstreamPolicyBytes;
}

// Reports sizes, and reads each rule.
std::vector<UpstreamRule> ReadRules(const v1::UpstreamPolicy& file, const OnProblem& on_problem) {
  constexpr const char* kTooLarge =
      "are more than 16 KiB, and travel with every route; write wider entries";
  std::vector<UpstreamRule> out;
  if (file.rules_size() > kMaxUpstreamRules) {
    on_problem("rules", "has more than 64 entries; put hosts of the same namespaces together");
    return out;
  }
  if (file.ByteSizeLong() > kMaxUpstreamPolicyBytes) {
    on_problem("rules", kTooLarge);
    return out;
  }
  for (int i = 0; i < file.rules_size(); ++i) {
    const std::string path = Join("rules", static_cast<std::size_t>(i));
    out.push_back(ReadRule(file.rules(i), path, on_problem));
  }
  if (IsTooLarge(out)) {
    on_problem("rules", kTooLarge);
  }
  return out;
}

}  // namespace

UpstreamPolicy ReadUpstreamPolicy(const v1::UpstreamPolicy& file,
                                  bool in_cluster,
                                  const OnProblem& on_problem) {
  UpstreamPolicy out;
  out.unlisted =
      ReadUnlisted(file.unlisted(), in_cluster ? Unlisted::kPublic : Unlisted::kLocal, on_problem);
  out.rules = ReadRules(file, on_problem);
  out.all_mirrors =
      !in_cluster && std::all_of(out.rules.begin(), out.rules.end(), [](const UpstreamRule& rule) {
        return rule.mirror_hosts.empty();
      });
  return out;
}

ClassPolicy ReadClassPolicy(const v1::UpstreamPolicy& file, const OnProblem& on_problem) {
  return {ReadUnlisted(file.unlisted(), Unlisted::kNone, on_problem), ReadRules(file, on_problem)};
}

std::optional<UpstreamPolicy> FromProto(const v1::UpstreamPolicy& from,
                                        const v1::UpstreamPolicy* of_class) {
  bool good = true;
  const auto refuse = [&good](const std::string& /*path*/, const char* /*message*/) {
    good = false;
  };
  UpstreamPolicy policy = ReadUpstreamPolicy(from, true, refuse);
  if (of_class != nullptr) {
    policy.narrowed_by = ReadClassPolicy(*of_class, refuse);
  }
  return good ? std::optional(std::move(policy)) : std::nullopt;
}

}  // namespace connector::routing
