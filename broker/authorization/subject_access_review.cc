#include "broker/authorization/subject_access_review.h"

#include "common/kube/object.h"

#include <string_view>
#include <utility>

namespace connector::broker::authorization {
namespace {

namespace json = boost::json;

json::array ToArray(const std::vector<std::string>& texts) {
  json::array array;
  for (const std::string& text : texts) {
    array.emplace_back(text);
  }
  return array;
}

Error NoAnswer(std::string_view what) {
  return MakeError(ErrorCode::kUnavailable,
                   ErrorOrigin::kUpstream,
                   "the API server's answer to a SubjectAccessReview " + std::string(what),
                   Retry::kSafe);
}

}  // namespace

callers::KubernetesUser UserOf(const callers::Caller& caller) {
  if (caller.kubernetes_user) {
    return *caller.kubernetes_user;
  }
  callers::KubernetesUser user{caller.Name()};
  if (caller.service_account) {
    user.groups = {"system:serviceaccounts",
                   "system:serviceaccounts:" + caller.service_account->ns,
                   "system:authenticated"};
  }
  return user;
}

std::string_view VerbOf(oci::Action action) {
  switch (action) {
    case oci::Action::kPull:
      return "get";
    case oci::Action::kPush:
      return "create";
    case oci::Action::kDelete:
      break;
  }
  return "delete";
}

json::object SubjectAccessReviewOf(const callers::KubernetesUser& user,
                                   const ConnectorRef& connector,
                                   oci::Action action) {
  json::object spec;
  spec["user"] = user.username;
  if (!user.uid.empty()) {
    spec["uid"] = user.uid;
  }
  spec["groups"] = ToArray(user.groups);
  json::object extra;
  for (const auto& [key, values] : user.extra) {
    extra[key] = ToArray(values);
  }
  spec["extra"] = std::move(extra);
  spec["resourceAttributes"] = json::object{{"verb", VerbOf(action)},
                                            {"group", kube::kConnectors.group},
                                            {"resource", kube::kConnectors.plural},
                                            {"subresource", "proxy"},
                                            {"namespace", connector.ns},
                                            {"name", connector.name}};
  json::object body;
  body["spec"] = std::move(spec);
  return body;
}

Result<AccessAnswer> ReadSubjectAccessReview(const json::object& answer) {
  const json::value* const found = answer.if_contains("status");
  const json::object* const status = found == nullptr ? nullptr : found->if_object();
  const json::value* const allowed = status == nullptr ? nullptr : status->if_contains("allowed");
  if (allowed == nullptr || !allowed->is_bool()) {
    return NoAnswer("does not say whether it is allowed");
  }
  const json::value* const denied = status->if_contains("denied");
  const json::value* const reason = status->if_contains("reason");
  AccessAnswer read;
  read.allowed =
      allowed->get_bool() && (denied == nullptr || (denied->is_bool() && !denied->get_bool()));
  if (reason != nullptr && reason->is_string()) {
    read.reason = std::string(reason->get_string());
  }
  return read;
}

}  // namespace connector::broker::authorization
