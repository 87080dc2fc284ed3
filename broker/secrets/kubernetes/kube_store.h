#pragma once

// KubeSecretStore: Secrets of the Kubernetes API, each by its name.
//
// Fetch reads from the API. Each followed Secret has its own watch, because the broker's rights
// name single Secrets: it may neither list nor watch a namespace. Of a followed Secret the store
// keeps the version, what it lacks, and the PEM of a CA bundle; never a credential.
//
// There is no fallback to polling. Where the broker may get a Secret but not watch it, Fetch fails
// and names the missing right: a rotation would go unseen (docs/promises.md P6).

#include "broker/secrets/kubernetes/kube_secret.h"
#include "broker/secrets/secret_need.h"
#include "broker/secrets/secret_store.h"
#include "common/base/clock.h"
#include "common/kube/api_client.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace connector::broker::secrets {

// The state of one followed Secret, for the catalog, the status page and the metrics.
struct KubeObservation {
  bool known = false;  // The API has said something definite.
  // Stays while the API does not answer.
  KubeContent content{};
  std::optional<WallTime> last_success{};
  std::string last_error{};  // Empty after a success.
  std::optional<WallTime> last_error_at{};
};

struct KubeStoreStatus {
  std::size_t followed = 0;
  std::size_t unknown = 0;   // Not read yet.
  std::size_t unusable = 0;  // Not there, refused, or without what is needed.
  std::size_t failing = 0;   // The last request failed; what was read before is in force.
  std::uint64_t watch_restarts = 0;
};

struct KubeStoreTimes {
  // A watch without an event for this long after its start is followed by a get: a watch sends
  // nothing for a Secret that does not exist.
  std::chrono::milliseconds confirm{300};
  std::chrono::milliseconds idle = std::chrono::seconds(90);
  // After failures, doubling up to the larger of `longest` and 20 ms for each followed Secret.
  std::chrono::milliseconds shortest{250};
  std::chrono::milliseconds longest{2000};
};

// `client`, `clock` and `logger` outlive the store.
struct KubeStoreParts {
  kube::ApiClient& client;
  std::string_view version_key;  // As FileSecretStore's: versions are keyed with it.
  const Clock& clock;
  Executor executor;  // Watches run here, on any number of threads.
  log::Logger& logger;
  // Called on any thread, no lock held, and after Follow's callback when both are due: the content
  // of an Observed() changed, or became known. May be empty.
  std::function<void(const SecretRef&)> on_observation{};
  std::function<double()> random{};  // In [0, 1), thread-safe. For tests.
  KubeStoreTimes times{};
};

class KubernetesSecretWatcher;

class KubeSecretStore final : public SecretStore {
 public:
  explicit KubeSecretStore(KubeStoreParts parts);
  // Stop must have returned, or the executor run no more.
  ~KubeSecretStore() override;
  KubeSecretStore(const KubeSecretStore&) = delete;
  KubeSecretStore& operator=(const KubeSecretStore&) = delete;

  // kPermissionDenied says which Role to add. Also fails with kInvalidArgument for what cannot be a
  // Secret's name, before anything is asked.
  [[nodiscard]] Task<Result<StoredSecret>> Fetch(SecretRef ref, Deadline deadline) override;

  void Follow(std::vector<SecretRef> refs,
              std::function<void(const SecretRef&)> on_change) override;

  // The same, for those who need to know what a Secret lacks for its purpose. Tells on_observation.
  void FollowNeeds(std::vector<SecretNeed> needs);

  // Of what is not followed: not known.
  [[nodiscard]] KubeObservation Observed(const SecretRef& ref) const;
  [[nodiscard]] KubeStoreStatus Status() const;

  // Another part saw that the API answers again: watches in a pause start now.
  void Wake();

  // Ends the watches; false when `deadline` came first. Once only.
  [[nodiscard]] Task<bool> Stop(Deadline deadline);

 private:
  std::shared_ptr<KubernetesSecretWatcher> watcher_;
};

}  // namespace connector::broker::secrets
