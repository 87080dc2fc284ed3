#pragma once

// Writer: sends every change that the controller makes in the Kubernetes API, except those of the
// Lease. It checks before each write that this replica surely still leads, and sends nothing
// otherwise; no write is sent, or sent again, after the Lease may have ended.
//
// Has no reading side, and no way to touch a Secret.

#include "common/async/task.h"
#include "common/base/result.h"
#include "common/kube/api_client.h"

#include <boost/json.hpp>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace connector::controller {

inline constexpr std::chrono::seconds kWriteTimeout{10};
// A write has this long to arrive before the Lease may be another's.
inline constexpr std::chrono::milliseconds kWriteMargin{100};

struct WriteReport {
  std::string_view verb;  // create, patch, delete
  std::string resource;   // "services", "connectors/status"
  bool ok = false;
  bool not_leading = false;  // It was not sent.
};

class Writer {
 public:
  struct Parts {
    kube::ApiClient* client = nullptr;  // Outlives the writer.
    // Until when this replica surely leads; absent when it does not.
    std::function<std::optional<Deadline>()> leading_until;
    std::function<void(const WriteReport&)> on_write;
  };

  explicit Writer(Parts parts) : parts_(std::move(parts)) {}

  // Errors: as kube::ApiClient's, and kPermissionDenied of kSelf with kNotLeading.
  [[nodiscard]] Task<Result<kube::ObjectPtr>> Create(kube::ResourceType type,
                                                     std::string ns,
                                                     boost::json::object body);
  [[nodiscard]] Task<Result<kube::ObjectPtr>> MergePatch(kube::ResourceType type,
                                                         kube::ObjectName name,
                                                         std::string subresource,
                                                         boost::json::object body);
  [[nodiscard]] Task<Result<Done>> Delete(kube::ResourceType type,
                                          kube::ObjectName name,
                                          std::string uid);

 private:
  // The deadline of a write that may be sent now.
  [[nodiscard]] Result<Deadline> Permit() const;
  void Note(std::string_view verb, std::string resource, const Result<Done>& result) const;

  Parts parts_;
};

// Says of an error that the write was not sent because another replica leads.
[[nodiscard]] bool IsNotLeading(const Error& error);

}  // namespace connector::controller
