#include "broker/api/issue_request.h"

#include "common/base/input_error.h"
#include "common/base/secret_place.h"

#include "proto/connector/broker/v1/broker.pb.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>
#include <variant>

namespace connector::broker::api {
namespace {

bool IsLabel(std::string_view text, std::size_t max) {
  return text.size() <= max &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

bool IsName(std::string_view text) {
  return !text.empty() && IsLabel(text, kMaxNameBytes);
}

Result<oci::ActionSet> ParseActions(const v1::Scope& scope) {
  oci::ActionSet actions;
  for (const int action : scope.actions()) {
    switch (action) {
      case v1::ACTION_PULL:
        actions.Add(oci::Action::kPull);
        break;
      case v1::ACTION_PUSH:
        actions.Add(oci::Action::kPush);
        break;
      case v1::ACTION_DELETE:
        actions.Add(oci::Action::kDelete);
        break;
      default:
        return InvalidInput("scopes: an action is unknown");
    }
  }
  if (actions.empty()) {
    return InvalidInput("scopes: a scope has no action");
  }
  return actions;
}

template <typename Scopes>
Result<std::vector<oci::Scope>> ParseScopes(const Scopes& scopes) {
  if (static_cast<std::size_t>(scopes.size()) > kMaxScopes) {
    return InvalidInput("scopes: more than " + std::to_string(kMaxScopes));
  }
  std::map<std::string, oci::ActionSet> merged;
  for (const v1::Scope& scope : scopes) {
    if (!oci::IsRepository(scope.repository())) {
      return InvalidInput("scopes: a repository name is outside the grammar");
    }
    const Result<oci::ActionSet> actions = ParseActions(scope);
    if (!actions) {
      return actions.error();
    }
    oci::ActionSet& all = merged[scope.repository()];
    for (const auto action : {oci::Action::kPull, oci::Action::kPush, oci::Action::kDelete}) {
      if (actions->Has(action)) {
        all.Add(action);
      }
    }
  }
  std::vector<oci::Scope> out;
  out.reserve(merged.size());
  for (const auto& [repository, actions] : merged) {
    out.push_back({repository, actions});
  }
  return out;
}

Result<authorization::Target> ParseRef(const v1::ConnectorRef& ref) {
  if (!IsName(ref.namespace_()) || !IsName(ref.name())) {
    return InvalidInput("connector: namespace or name is empty, too long or not printable");
  }
  return authorization::Target(ConnectorRef{ref.namespace_(), ref.name()});
}

Result<authorization::Target> ParseTarget(const v1::IssueTokenRequest& request) {
  switch (request.target_case()) {
    case v1::IssueTokenRequest::kConnector:
      return ParseRef(request.connector());
    case v1::IssueTokenRequest::kUpstreamHost:
      if (!IsName(request.upstream_host())) {
        return InvalidInput("upstream_host: empty, too long or not printable");
      }
      return authorization::Target(authorization::MirrorRegistry{request.upstream_host()});
    case v1::IssueTokenRequest::TARGET_NOT_SET:
      break;
  }
  return request.scopes().empty()
             ? Result<authorization::Target>(authorization::Target(authorization::AnyConnector{}))
             : InvalidInput("scopes without a connector");
}

}  // namespace

IssueLabels LabelsOf(const v1::IssueTokenRequest& request) {
  const auto label = [](const std::string& text, std::size_t max) {
    return IsLabel(text, max) ? text : std::string();
  };
  return {label(request.request_id(), kMaxRequestIdBytes),
          label(request.client_address(), kMaxClientAddressBytes)};
}

Result<IssueQuery> ParseIssueRequest(const v1::IssueTokenRequest& request) {
  if (request.caller_token().size() > kMaxCallerTokenBytes) {
    return InvalidInput("caller_token: over " + std::to_string(kMaxCallerTokenBytes) + " bytes");
  }
  if (!IsLabel(request.request_id(), kMaxRequestIdBytes)) {
    return InvalidInput("request_id: over 128 characters or not printable");
  }
  if (!IsLabel(request.client_address(), kMaxClientAddressBytes)) {
    return InvalidInput("client_address: over 128 characters or not printable");
  }
  Result<authorization::Target> target = ParseTarget(request);
  if (!target) {
    return target.error();
  }
  Result<std::vector<oci::Scope>> scopes = ParseScopes(request.scopes());
  if (!scopes) {
    return scopes.error();
  }
  return IssueQuery{std::move(*target),
                    ForeignSecret(request.caller_token()),
                    std::move(*scopes),
                    request.request_id(),
                    request.client_address(),
                    request.mint_anew()};
}

Result<IssueQuery> ParseExplainRequest(const v1::ExplainAccessRequest& request) {
  if (request.caller_token().size() > kMaxCallerTokenBytes) {
    return InvalidInput("caller_token: over " + std::to_string(kMaxCallerTokenBytes) + " bytes");
  }
  Result<authorization::Target> target = ParseRef(request.connector());
  if (!target) {
    return target.error();
  }
  Result<std::vector<oci::Scope>> scopes = ParseScopes(request.scopes());
  if (!scopes) {
    return scopes.error();
  }
  return IssueQuery{
      std::move(*target), ForeignSecret(request.caller_token()), std::move(*scopes), {}, {}, false};
}

}  // namespace connector::broker::api
