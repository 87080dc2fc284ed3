#pragma once

// Upstream policies that several tests speak of.

#include "common/routing/read_upstream_policy.h"

#include "proto/connector/config/v1/upstream_policy.pb.h"

#include <gtest/gtest.h>

#include <string>

namespace connector::routing {

inline UpstreamPolicy ReadPolicy(const config::v1::UpstreamPolicy& file, bool in_cluster) {
  return ReadUpstreamPolicy(file, in_cluster, [](const std::string& path, const char* message) {
    ADD_FAILURE() << path << " " << message;
  });
}

inline ClassPolicy ReadClass(const config::v1::UpstreamPolicy& file) {
  return ReadClassPolicy(file, [](const std::string& path, const char* message) {
    ADD_FAILURE() << path << " " << message;
  });
}

inline config::v1::UpstreamPolicyRule& AddRule(config::v1::UpstreamPolicy& file,
                                               const std::string& ns = "*") {
  config::v1::UpstreamPolicyRule& rule = *file.add_rules();
  rule.add_namespaces(ns);
  return rule;
}

// "in" (a cluster, no rule), "laptop", "none", "rules", "wide": the names of policies.
inline UpstreamPolicy Policy(const std::string& name) {
  config::v1::UpstreamPolicy file;
  if (name == "none") {
    file.set_unlisted("none");
  }
  if (name == "rules") {
    config::v1::UpstreamPolicyRule& tls = AddRule(file);
    tls.add_hosts("harbor.internal");
    tls.add_hosts("*.svc.example");
    tls.add_addresses("10.20.0.0/16");
    tls.add_addresses("127.0.0.0/8");
    tls.add_addresses("fd00:ec2::254");
    tls.add_redirect_hosts("store.internal");
    tls.add_redirect_hosts("127.0.0.9");
    config::v1::UpstreamPolicyRule& plain = AddRule(file);
    plain.add_hosts("plain.internal");
    plain.add_addresses("10.30.0.7");
    plain.add_redirect_hosts("plainstore.internal");
    plain.set_plain_http(true);
  }
  if (name == "wide") {
    config::v1::UpstreamPolicyRule& rule = AddRule(file);
    rule.add_addresses("0.0.0.0/0");
    rule.add_addresses("::/0");
    rule.add_hosts("*.internal");
    rule.set_plain_http(true);
  }
  return ReadPolicy(file, name != "laptop");
}

// One of these, of which a class leaves harbor.internal, addresses of 10.20.0.0/17,
// redirects to store.internal, and one mirror.
inline UpstreamPolicy Narrowed(const std::string& platform) {
  config::v1::UpstreamPolicy file;
  config::v1::UpstreamPolicyRule& rule = AddRule(file, "team-a");
  rule.add_hosts("harbor.internal");
  rule.add_hosts("elsewhere.internal");
  rule.add_addresses("10.20.0.0/17");
  rule.add_redirect_hosts("store.internal");
  rule.add_redirect_hosts("other.internal");
  rule.set_plain_http(true);
  rule.add_mirror_hosts("quay.example");
  config::v1::UpstreamPolicyRule& of_another = AddRule(file, "team-b");
  of_another.add_hosts("plain.internal");
  of_another.set_plain_http(true);
  const ClassPolicy of_class = ReadClass(file);
  return PolicyFor(Policy(platform), "team-a", &of_class);
}

}  // namespace connector::routing
