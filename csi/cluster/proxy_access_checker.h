#pragma once

// ProxyAccessChecker: may a pod's ServiceAccount use a Connector? Asks the API server with a
// SubjectAccessReview (get on connectors/proxy, as the broker does for each request later), so that
// a mount that would be of no use fails at once and says why. A yes is remembered for a short time,
// so that the pods of a Deployment cost one review; a no never is.

#include "common/async/task.h"
#include "common/base/connector_ref.h"
#include "common/base/result.h"
#include "common/resilience/expiring_cache.h"

#include <boost/json.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <mutex>
#include <string>

namespace connector::csi::cluster {

inline constexpr std::chrono::seconds kAccessTtl{30};
inline constexpr std::size_t kMaxRememberedAccess = 10000;

struct PodAccount {
  std::string ns;
  std::string name;
};

// The body of the review. Pure.
[[nodiscard]] boost::json::object ReviewOf(const PodAccount& account, const ConnectorRef& ref);

class ProxyAccessChecker {
 public:
  // Creates the review and returns the API's answer: kube::ApiClient::Review.
  using CreateReview =
      std::function<Task<Result<boost::json::object>>(boost::json::object, Deadline)>;
  using SteadyTime = std::chrono::steady_clock::time_point;
  using Now = std::function<SteadyTime()>;

  explicit ProxyAccessChecker(CreateReview create_review, Now now = std::chrono::steady_clock::now);

  // Thread-safe. Fails with what the API answered; kUnavailable when it is no review.
  [[nodiscard]] Task<Result<bool>> MayUse(PodAccount account, ConnectorRef ref, Deadline deadline);

 private:
  [[nodiscard]] bool Remembered(const std::string& key);
  void Remember(const std::string& key);

  CreateReview create_review_;
  Now now_;
  std::mutex mutex_;
  resilience::ExpiringCache<std::string, bool, SteadyTime> allowed_{kMaxRememberedAccess};
};

}  // namespace connector::csi::cluster
