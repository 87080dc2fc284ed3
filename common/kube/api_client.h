#pragma once

// ApiClient: requests to one Kubernetes API server, over libcurl. Thread-safe.
//
// Errors, everywhere: kNotFound (404), kConflict (409: somebody else was first), kInvalidArgument
// (400, 422: the message is the server's), kUnauthenticated (401), kPermissionDenied (403),
// kResourceExhausted (413, or an answer over our limit), kUnavailable with Retry::kSafe (429 and
// 5xx after the retries that fit into the deadline, cut off, not the API's answer),
// kDeadlineExceeded. Every message names the verb and the object, and never holds content.
//
// 429 and 503 are waited for as Retry-After says, with jitter, and while they last other requests
// of the same client hold back as well (API Priority and Fairness).

#include "common/async/cancel.h"
#include "common/async/task.h"
#include "common/base/result.h"
#include "common/kube/cluster_connection.h"
#include "common/kube/object.h"

#include <boost/json.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace connector::log {
class Logger;
}  // namespace connector::log

namespace connector::kube {

struct Selector {
  std::string ns{};      // Empty: all namespaces.
  std::string labels{};  // "app=x,tier!=y"
  std::string fields{};  // "metadata.name=harbor"
};

struct Listing {
  std::vector<ObjectPtr> items;
  std::string resource_version;  // From where a watch goes on.
};

// kOpened comes first: the server took the watch.
enum class WatchEventKind : std::uint8_t { kOpened, kAdded, kModified, kDeleted, kBookmark };

struct WatchEvent {
  WatchEventKind kind = WatchEventKind::kBookmark;
  ObjectPtr object;  // Of the three in the middle.
  std::string resource_version;
};

// How a watch ended that was not asked to.
enum class WatchEnd : std::uint8_t {
  kClosed,   // By the server, in good order, or cut: watch again from the last version.
  kExpired,  // 410: list again.
  kSilent,   // Nothing for the idle deadline, not even a bookmark.
};

struct DeletePreconditions {
  std::string uid{};               // Empty: whichever.
  std::string resource_version{};  // The same.
};

// What one request was, for metrics. `resource` is the plural, with "/status" where it was that.
struct ApiRequestReport {
  std::string_view verb;  // get, list, watch, create, update, apply, patch, delete
  std::string resource;
  int status = 0;  // 0: no answer.
  std::chrono::steady_clock::duration took{};
};

struct ApiClientParts {
  log::Logger* logger = nullptr;
  std::function<double()> random;                        // In [0, 1), thread-safe.
  std::function<void(const ApiRequestReport&)> observe;  // Any thread. Empty: nobody listens.
  std::string user_agent;                                // "connector-broker/0.1.0"
};

class ApiClient {
 public:
  ApiClient(ClusterConnection connection, ApiClientParts parts);
  ~ApiClient();  // As Shutdown.
  ApiClient(const ApiClient&) = delete;
  ApiClient& operator=(const ApiClient&) = delete;

  [[nodiscard]] const std::string& own_namespace() const;

  [[nodiscard]] Task<Result<ObjectPtr>> Get(ResourceType type, ObjectName name, Deadline deadline);
  // All pages, of one resource version. A continue token that expired on the way starts anew.
  [[nodiscard]] Task<Result<Listing>> List(ResourceType type,
                                           Selector selector,
                                           Deadline deadline,
                                           std::shared_ptr<Cancel> cancel = nullptr);

  // `body` needs no apiVersion and kind: they are filled in. The answers of reviews have no name,
  // and so are plain JSON.
  [[nodiscard]] Task<Result<ObjectPtr>> Create(ResourceType type,
                                               std::string ns,
                                               boost::json::object body,
                                               Deadline deadline);
  // A TokenReview, a SubjectAccessReview.
  [[nodiscard]] Task<Result<boost::json::object>> Review(ResourceType type,
                                                         boost::json::object body,
                                                         Deadline deadline);
  // PUT: `body` has metadata.resourceVersion, and kConflict says that it was not the last.
  [[nodiscard]] Task<Result<ObjectPtr>> Update(ResourceType type,
                                               ObjectName name,
                                               boost::json::object body,
                                               Deadline deadline);
  // JSON merge patch. With metadata.resourceVersion in `body`, kConflict when it was not the last.
  [[nodiscard]] Task<Result<ObjectPtr>> MergePatch(ResourceType type,
                                                   ObjectName name,
                                                   std::string subresource,
                                                   boost::json::object body,
                                                   Deadline deadline);
  [[nodiscard]] Task<Result<Done>> Delete(ResourceType type,
                                          ObjectName name,
                                          DeletePreconditions preconditions,
                                          Deadline deadline);

  // GET of a path outside the resources: "/openid/v1/jwks", "/readyz".
  [[nodiscard]] Task<Result<std::string>> GetRaw(std::string path, Deadline deadline);

  // One watch from `resource_version`, with bookmarks. `on_event` runs on the awaiting coroutine's
  // executor, one call at a time. Ends when the server or the network does, when nothing was heard
  // for `idle`, or at `deadline` (kDeadlineExceeded), or with `cancel` (kUnavailable).
  [[nodiscard]] Task<Result<WatchEnd>> Watch(ResourceType type,
                                             Selector selector,
                                             std::string resource_version,
                                             std::function<void(WatchEvent)> on_event,
                                             std::chrono::milliseconds idle,
                                             Deadline deadline,
                                             std::shared_ptr<Cancel> cancel = nullptr);

  // What is under way fails with kUnavailable, and so does what comes.
  void Shutdown();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace connector::kube
