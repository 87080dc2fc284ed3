#include "common/base/ascii.h"
#include "common/http/origin.h"
#include "common/resource/names.h"
#include "common/resource/validation.h"

#include "proto/connector/config/v1/resource.pb.h"

namespace connector::resource {
namespace {

using config::Join;
namespace v1 = config::v1;

constexpr const char* kLabelHelp =
    "is not a namespace name; write lower-case letters, digits and '-', at most 63";

ServiceAccountMatch ReadServiceAccount(const v1::ServiceAccountSubject& file,
                                       const std::string& path,
                                       ProblemReport& report) {
  if (!IsDnsLabel(file.namespace_())) {
    report.Add(Join(path, "namespace"), kLabelHelp);
  }
  if (!IsDnsSubdomain(file.name())) {
    report.Add(Join(path, "name"),
               "can never match: it is not a service account's name; write lower-case letters, "
               "digits, '-' and '.'");
  }
  return {file.namespace_(), file.name()};
}

void CheckIssuer(const std::string& issuer, const std::string& path, ProblemReport& report) {
  if (!http::ParseUrl(issuer)) {
    report.Add(path,
               "can never match: it is not a URL; write the token's iss, such as "
               "https://token.example.com");
  }
}

OidcMatch ReadOidc(const v1::OidcSubject& file, const std::string& path, ProblemReport& report) {
  CheckIssuer(file.issuer(), Join(path, "issuer"), report);
  // An empty value equals no claim that a verified token may carry.
  for (const auto& [name, value] : file.claims()) {
    if (name.empty() || value.empty()) {
      report.Add(Join(Join(path, "claims"), name),
                 "can never match: a claim needs a name and a value");
    }
  }
  return {file.issuer(), {file.claims().begin(), file.claims().end()}};
}

SubjectMatch ReadSubject(const v1::ConnectorSubject& file,
                         const std::string& path,
                         ProblemReport& report) {
  if (!file.issuer().empty() && !file.has_oidc()) {
    CheckIssuer(file.issuer(), Join(path, "issuer"), report);
  }
  switch (file.subject_case()) {
    case v1::ConnectorSubject::kServiceAccount: {
      auto match = ReadServiceAccount(file.service_account(), Join(path, "serviceAccount"), report);
      match.issuer = file.issuer();
      return match;
    }
    case v1::ConnectorSubject::kNamespace:
      if (!IsDnsLabel(file.namespace_())) {
        report.Add(Join(path, "namespace"), kLabelHelp);
      }
      return NamespaceMatch{file.namespace_(), file.issuer()};
    case v1::ConnectorSubject::kOidc:
      if (!file.issuer().empty()) {
        report.Add(Join(path, "issuer"), "stands beside oidc, which names its own; leave it out");
      }
      return ReadOidc(file.oidc(), Join(path, "oidc"), report);
    case v1::ConnectorSubject::SUBJECT_NOT_SET:
      break;
  }
  report.Add(path,
             "names nobody, so the rule can never match; write serviceAccount, namespace or oidc");
  return NamespaceMatch{};
}

void CheckPattern(const std::string& pattern, const std::string& path, ProblemReport& report) {
  if (PatternCanMatch(pattern)) {
    return;
  }
  const std::string lower = Lower(pattern);
  report.Add(path,
             PatternCanMatch(lower)
                 ? "can never match: repository names are lower case; write " + lower
                 : "can never match: no repository has such a name; write components of lower-case "
                   "letters, digits, '.', '_' and '-', '*' for a part of one, '**' for any "
                   "number, such as team-a/**");
}

oci::ActionSet ReadActions(const v1::ConnectorAccessRule& file,
                           const std::string& path,
                           ProblemReport& report) {
  oci::ActionSet out;
  for (const int action : file.actions()) {
    switch (action) {
      case v1::ACCESS_ACTION_PULL:
        out.Add(oci::Action::kPull);
        break;
      case v1::ACCESS_ACTION_PUSH:
        out.Add(oci::Action::kPush);
        break;
      default:
        out.Add(oci::Action::kDelete);
        break;
    }
  }
  // A push asks for pull and push together, of one rule (docs/rules.md "Rights").
  if (out.Has(oci::Action::kPush) && !out.Has(oci::Action::kPull)) {
    report.Add(path,
               "push can never match without pull, since a push also reads; write [pull, push]");
  }
  return out;
}

}  // namespace

AccessRule ValidateAccessRule(const v1::ConnectorAccessRule& file,
                              const std::string& path,
                              ProblemReport& report) {
  AccessRule rule;
  for (int i = 0; i < file.from_size(); ++i) {
    rule.from.push_back(
        ReadSubject(file.from(i), Join(Join(path, "from"), static_cast<std::size_t>(i)), report));
  }
  for (int i = 0; i < file.repositories_size(); ++i) {
    CheckPattern(file.repositories(i),
                 Join(Join(path, "repositories"), static_cast<std::size_t>(i)),
                 report);
    rule.repositories.push_back(file.repositories(i));
  }
  rule.actions = ReadActions(file, Join(path, "actions"), report);
  return rule;
}

}  // namespace connector::resource
