#include "csi/cluster/proxy_access_checker.h"

#include "common/kube/object.h"

#include <utility>

namespace connector::csi::cluster {

boost::json::object ReviewOf(const PodAccount& account, const ConnectorRef& ref) {
  const std::string group = "system:serviceaccounts:" + account.ns;
  boost::json::object spec;
  spec["user"] = "system:serviceaccount:" + account.ns + ":" + account.name;
  spec["groups"] = boost::json::array{"system:serviceaccounts", group, "system:authenticated"};
  spec["resourceAttributes"] = boost::json::object{{"namespace", ref.ns},
                                                   {"verb", "get"},
                                                   {"group", kube::kConnectors.group},
                                                   {"resource", kube::kConnectors.plural},
                                                   {"subresource", "proxy"},
                                                   {"name", ref.name}};
  return {{"spec", std::move(spec)}};
}

ProxyAccessChecker::ProxyAccessChecker(CreateReview create_review, Now now)
    : create_review_(std::move(create_review)), now_(std::move(now)) {}

Task<Result<bool>> ProxyAccessChecker::MayUse(PodAccount account,
                                              ConnectorRef ref,
                                              Deadline deadline) {
  const std::string key = account.ns + "/" + account.name + " " + ref.ToString();
  if (Remembered(key)) {
    co_return true;
  }
  boost::json::object body = ReviewOf(account, ref);
  const Result<boost::json::object> answer = co_await create_review_(std::move(body), deadline);
  if (!answer) {
    co_return answer.error();
  }
  const boost::json::value* status = answer->if_contains("status");
  const boost::json::object* fields = status == nullptr ? nullptr : status->if_object();
  const boost::json::value* allowed = fields == nullptr ? nullptr : fields->if_contains("allowed");
  if (allowed == nullptr || !allowed->is_bool()) {
    co_return MakeError(ErrorCode::kUnavailable,
                        ErrorOrigin::kUpstream,
                        "the answer to the SubjectAccessReview does not say whether it is allowed",
                        Retry::kSafe);
  }
  if (allowed->get_bool()) {
    Remember(key);
  }
  co_return allowed->get_bool();
}

bool ProxyAccessChecker::Remembered(const std::string& key) {
  const std::lock_guard lock(mutex_);
  return allowed_.Find(key, now_()) != nullptr;
}

void ProxyAccessChecker::Remember(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const SteadyTime now = now_();
  allowed_.Put(key, true, {now, now + kAccessTtl});
}

}  // namespace connector::csi::cluster
