#pragma once

// Transport: sends one ApiCall with our credentials, over connections that all requests of a client
// share, and repeats it where the API asks for that. Thread-safe. Private to this library.

#include "common/async/cancel.h"
#include "common/curl/curl_client.h"
#include "common/kube/api_credentials.h"
#include "common/kube/requests.h"

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

namespace connector::kube {

inline constexpr std::size_t kMaxAnswerBytes = std::size_t{64} * 1024 * 1024;

class Transport : public std::enable_shared_from_this<Transport> {
 public:
  // An answer whose body is still to be read.
  struct OpenResponse {
    std::shared_ptr<curl::CurlClient> pool;
    std::unique_ptr<curl::CurlStream> stream;
  };
  struct Answer {
    int status = 0;
    std::unique_ptr<curl::WipedBuffer> body;

    [[nodiscard]] std::string_view text() const { return body->view(); }
    [[nodiscard]] bool ok() const { return status / 100 == 2; }
  };

  Transport(ClusterConnection connection, ApiClientParts parts);

  [[nodiscard]] const ClusterConnection& connection() const { return credentials_.connection(); }

  // Any status is a value, once it is not to be sent again before `deadline`.
  [[nodiscard]] Task<Result<OpenResponse>> Open(std::shared_ptr<const ApiCall> call,
                                                Deadline deadline);
  [[nodiscard]] Task<Result<Answer>> Send(std::shared_ptr<const ApiCall> call, Deadline deadline);
  // The rest of a body.
  [[nodiscard]] Task<Result<std::unique_ptr<curl::WipedBuffer>>> ReadAll(
      std::shared_ptr<const OpenResponse> opened, std::string what, Deadline deadline);

  // Something on `pool` got no answer: later requests use new connections, because a peer that is
  // stuck would delay them all.
  void Suspect(const std::shared_ptr<curl::CurlClient>& pool);

  void Shutdown();

 private:
  using Clock = std::chrono::steady_clock;

  [[nodiscard]] std::shared_ptr<curl::CurlClient> Pool();
  [[nodiscard]] Result<curl::CurlRequest> Request(const ApiCall& call, const Secret& token);
  // Waits while the API is overloaded.
  [[nodiscard]] Task<Result<Done>> WaitForThrottle(std::shared_ptr<const ApiCall> call,
                                                   Deadline deadline);
  void ThrottleUntil(Clock::time_point until);
  void Observe(const ApiCall& call, int status, Clock::time_point started) const;

  const ApiClientParts parts_;
  ApiCredentials credentials_;
  std::atomic<Clock::rep> throttled_until_{0};
  const std::shared_ptr<Cancel> stop_ = std::make_shared<Cancel>();

  std::mutex mutex_;
  bool stopped_ = false;
  std::shared_ptr<curl::CurlClient> pool_;
  Clock::time_point pool_since_{};
  std::vector<std::weak_ptr<curl::CurlClient>> old_pools_;
};

}  // namespace connector::kube
