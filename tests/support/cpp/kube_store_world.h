#pragma once

// KubeStoreWorld: a KubeSecretStore with threads of its own, which asks a real API server as a
// ServiceAccount of its own, and what a test wants to see of it.

#include "broker/secrets/kubernetes/kube_store.h"
#include "common/base/clock.h"
#include "common/log/log.h"
#include "tests/support/cpp/kube_server.h"
#include "tests/support/cpp/scratch_dir.h"

#include <boost/asio/executor_work_guard.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace connector::testing_support {

using SecretFields = std::map<std::string, std::string>;

class KubeStoreWorld {
 public:
  // As the account of `token`.
  explicit KubeStoreWorld(const std::string& token);
  ~KubeStoreWorld();
  KubeStoreWorld(const KubeStoreWorld&) = delete;
  KubeStoreWorld& operator=(const KubeStoreWorld&) = delete;

  [[nodiscard]] broker::secrets::KubeSecretStore& store() { return *store_; }
  [[nodiscard]] Result<broker::secrets::StoredSecret> Fetch(
      const broker::secrets::SecretRef& ref,
      std::chrono::milliseconds within = std::chrono::seconds(20));
  [[nodiscard]] broker::secrets::KubeObservation Observed(
      const broker::secrets::SecretRef& ref) const {
    return store_->Observed(ref);
  }

  // Requests with this verb and status so far.
  [[nodiscard]] std::size_t Count(const std::string& verb, int status) const;
  [[nodiscard]] std::string Log() const;

  // Polls until `holds`, which is asked often; false after `within`.
  [[nodiscard]] static bool Eventually(const std::function<bool()>& holds,
                                       std::chrono::milliseconds within = std::chrono::seconds(30));

 private:
  const ScratchDir dir_;
  const SystemClock clock_;
  int log_fd_;
  log::Logger logger_;
  asio::io_context io_;
  asio::executor_work_guard<Executor> work_{io_.get_executor()};
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, int>, std::size_t> exchanges_;
  std::unique_ptr<kube::ApiClient> client_;
  std::unique_ptr<broker::secrets::KubeSecretStore> store_;
  std::vector<std::thread> threads_;
};

// {get, watch} of the named Secrets, and nothing else: what a team grants.
[[nodiscard]] boost::json::array SecretRules(const std::vector<std::string>& names,
                                             const std::vector<std::string>& verbs = {"get",
                                                                                      "watch"});

// Creates it or replaces it whole; one of another type takes the place of what was there.
void PutSecret(const broker::secrets::SecretRef& ref,
               const std::string& type,
               const SecretFields& fields,
               const boost::json::object& labels = {});
void RemoveSecret(const broker::secrets::SecretRef& ref);

}  // namespace connector::testing_support
