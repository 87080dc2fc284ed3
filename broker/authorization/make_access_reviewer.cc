#include "broker/authorization/make_access_reviewer.h"

#include "broker/authorization/rbac_reviewer.h"

namespace connector::broker::authorization {

std::unique_ptr<AccessReviewer> MakeAccessReviewer(bool rbac,
                                                   callers::KubernetesCallers* callers,
                                                   const Clock& clock) {
  if (!rbac) {
    return nullptr;
  }
  const callers::KubernetesIdentityOptions limits = callers->limits();
  return MakeRbacReviewer(
      {limits.positive_cache, limits.negative_cache, callers->CacheHits("subjectaccessreview")},
      callers->reviews(),
      clock);
}

}  // namespace connector::broker::authorization
