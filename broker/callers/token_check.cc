#include "broker/callers/token_check.h"

#include "common/base/input_error.h"
#include "common/jose/jws.h"

#include <algorithm>
#include <utility>

namespace connector::broker::callers {
namespace {

constexpr std::string_view kServiceAccountPrefix = "system:serviceaccount:";
constexpr std::size_t kMaxLabelBytes = 63;
constexpr std::size_t kMaxNameBytes = 253;

bool IsAlphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

// RFC 1123 label, as Kubernetes wants namespaces.
bool IsLabel(std::string_view text) {
  return !text.empty() && IsAlphanumeric(text.front()) && IsAlphanumeric(text.back()) &&
         std::all_of(
             text.begin(), text.end(), [](char c) { return c == '-' || IsAlphanumeric(c); });
}

// RFC 1123 subdomain, labels joined by dots, as Kubernetes wants other names.
bool IsSubdomain(std::string_view text) {
  while (true) {
    const std::size_t dot = text.find('.');
    if (!IsLabel(text.substr(0, dot))) {
      return false;
    }
    if (dot == std::string_view::npos) {
      return true;
    }
    text.remove_prefix(dot + 1);
  }
}

}  // namespace

bool LooksLikeServiceAccount(std::string_view subject) {
  return subject.starts_with(kServiceAccountPrefix);
}

std::optional<ServiceAccount> ParseServiceAccount(std::string_view subject) {
  if (!LooksLikeServiceAccount(subject)) {
    return std::nullopt;
  }
  subject.remove_prefix(kServiceAccountPrefix.size());
  const std::size_t colon = subject.find(':');
  if (colon == std::string_view::npos) {
    return std::nullopt;
  }
  const std::string_view ns = subject.substr(0, colon);
  const std::string_view name = subject.substr(colon + 1);
  if (ns.size() > kMaxLabelBytes || name.size() > kMaxNameBytes || !IsLabel(ns) ||
      !IsSubdomain(name)) {
    return std::nullopt;
  }
  return ServiceAccount{std::string(ns), std::string(name)};
}

Result<OurAudiences> CheckRules(const jose::Claims& claims, const TokenRules& rules, WallTime now) {
  auto ours = FindAudiences(claims.audiences, rules.audience);
  // Without one of ours the check below fails, and says so.
  const std::string_view audience = ours ? ours->named.front() : std::string_view(rules.audience);
  if (const auto checked =
          jose::CheckClaims(claims, {.issuer = rules.issuer, .audience = audience}, now);
      !checked) {
    return checked.error();
  }
  if (rules.require_connector_audience) {
    ours->any_connector = false;
    if (ours->connectors.empty()) {
      return Unauthenticated(
          "the token is for every connector; this broker accepts one for audience " +
          AudienceOf(rules.audience, {"NAMESPACE", "NAME"}) + " alone");
    }
  }
  return *std::move(ours);
}

Result<Caller> CheckToken(std::string_view token,
                          const jose::JwkSet& keys,
                          const TokenRules& rules,
                          WallTime now) {
  const auto payload = jose::VerifyCompact(token, keys);
  if (!payload) {
    return payload.error();
  }
  auto claims = jose::ParseClaims(*payload);
  if (!claims) {
    return std::move(claims).error();
  }
  auto audiences = CheckRules(*claims, rules, now);
  if (!audiences) {
    return std::move(audiences).error();
  }
  std::optional<ServiceAccount> account;
  if (rules.subject != SubjectRule::kNeverServiceAccount) {
    account = ParseServiceAccount(claims->subject);
    const bool must = rules.subject == SubjectRule::kAlwaysServiceAccount ||
                      LooksLikeServiceAccount(claims->subject);
    if (!account && must) {
      return Unauthenticated("the token's sub does not name a ServiceAccount");
    }
  }
  Caller caller{.issuer = std::move(claims->issuer),
                .subject = std::move(claims->subject),
                .service_account = std::nullopt,
                .claims = std::move(claims->texts),
                .expires_at = *claims->expires_at};
  const bool own = rules.cluster == ClusterRule::kOwnCluster;
  caller.any_connector = audiences->any_connector;
  caller.connectors = std::move(audiences->connectors);
  (own ? caller.service_account : caller.other_cluster_account) = std::move(account);
  return caller;
}

Error AsUnauthenticated(Error error) {
  if (error.code == ErrorCode::kNotFound) {
    error.code = ErrorCode::kUnauthenticated;
  }
  return error;
}

}  // namespace connector::broker::callers
