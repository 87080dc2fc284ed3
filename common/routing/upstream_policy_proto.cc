#include "common/routing/upstream_policy_proto.h"

#include "proto/connector/config/v1/upstream_policy.pb.h"

namespace connector::routing {
namespace {

namespace v1 = config::v1;

void AddTerms(Unlisted unlisted, const std::vector<UpstreamRule>& rules, v1::UpstreamPolicy& out) {
  out.set_unlisted(std::string(ToString(unlisted)));
  for (const UpstreamRule& rule : rules) {
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

// With the mirror hosts. The messages have no map, so that their bytes are the same everywhere.
std::string TermsText(Unlisted unlisted, const std::vector<UpstreamRule>& rules) {
  v1::UpstreamPolicy out;
  AddTerms(unlisted, rules, out);
  for (const UpstreamRule& rule : rules) {
    v1::UpstreamPolicyRule& to = *out.add_rules();
    to.mutable_mirror_hosts()->Assign(rule.mirror_hosts.begin(), rule.mirror_hosts.end());
  }
  return out.SerializeAsString();
}

}  // namespace

void ToProto(const UpstreamPolicy& policy, v1::UpstreamPolicy& out) {
  AddTerms(policy.unlisted, policy.rules, out);
}

void ToProto(const ClassPolicy& policy, v1::UpstreamPolicy& out) {
  AddTerms(policy.unlisted, policy.rules, out);
}

std::string CanonicalText(const UpstreamPolicy& policy) {
  if (policy == UpstreamPolicy{}) {
    return {};
  }
  const std::string own =
      (policy.all_mirrors ? "all" : "own") + TermsText(policy.unlisted, policy.rules);
  // With the length of what stands before it, so that no two pairs give one text.
  return policy.narrowed_by
             ? "class" + std::to_string(own.size()) + ":" + own + CanonicalText(*policy.narrowed_by)
             : own;
}

std::string CanonicalText(const ClassPolicy& policy) {
  return TermsText(policy.unlisted, policy.rules);
}

}  // namespace connector::routing
