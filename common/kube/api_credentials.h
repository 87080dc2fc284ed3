#pragma once

// ApiCredentials: our credentials for the API server and the CA that we trust for it, read again
// from their files while we run. Thread-safe. Private to this library.

#include "common/base/result.h"
#include "common/base/secret.h"
#include "common/kube/cluster_connection.h"

#include <chrono>
#include <mutex>
#include <string>

namespace connector::kube {

// A projected token is replaced at four fifths of its life, of ten minutes at least.
inline constexpr std::chrono::seconds kTokenFileLife{50};
inline constexpr std::chrono::seconds kCaFileLife{10};

class ApiCredentials {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit ApiCredentials(ClusterConnection connection) : connection_(std::move(connection)) {}

  [[nodiscard]] const ClusterConnection& connection() const { return connection_; }

  // Empty where there is none. While a file cannot be read, what it held last.
  [[nodiscard]] Result<Secret> Token(Time now);
  // The API server refused `refused`: true when the file now holds another one.
  [[nodiscard]] bool Replaced(const Secret& refused, Time now);
  // Empty for a server without TLS.
  [[nodiscard]] Result<std::string> CaPem(Time now);

 private:
  [[nodiscard]] Result<Done> ReadToken(Time now);

  const ClusterConnection connection_;
  std::mutex mutex_;
  Secret token_;
  Time token_until_{};
  std::string ca_pem_;
  Time ca_until_{};
};

}  // namespace connector::kube
