#pragma once

// ListenerCertificateHandler: IssueListenerCertificate and GetListenerAuthority, without sockets. A
// certificate is issued for the host of a connector that exists, or of the data planes' own
// Service, and leaves only after its audit record is on disk.
//
// It does not know which peers may call: broker_service.h has checked that before.

#include "broker/audit/audit_log.h"
#include "broker/connectors/catalog.h"
#include "broker/listener_authority/listener_authority.h"
#include "broker/listener_authority/read_listener_authority.h"
#include "common/async/task.h"
#include "common/base/clock.h"
#include "common/resilience/token_bucket.h"

#include "proto/connector/broker/v1/broker.pb.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace connector::log {
class Logger;
}  // namespace connector::log

namespace connector::broker::api {

inline constexpr std::size_t kMaxCertificateRequestBytes = 4096;
// Of one peer. Each costs two signatures and a record; a data plane that starts among thousands of
// connectors needs one for each host that clients name.
inline constexpr double kCertificatesPerSecond = 50;
inline constexpr double kCertificatesBurst = 500;

enum class CertificateOutcome : std::uint8_t { kIssued, kRefused, kRateLimited, kFailed };

struct ListenerCertificateParts {
  std::shared_ptr<const listener_authority::ListenerAuthority> authority;
  listener_authority::ListenerAuthorityOptions options;
  const connectors::Catalog* catalog = nullptr;
  audit::AuditLog* audit = nullptr;
  const Clock* clock = nullptr;
  log::Logger* log = nullptr;
  std::function<void(CertificateOutcome)> observe = [](CertificateOutcome) {};
};

// Thread-safe.
class ListenerCertificateHandler {
 public:
  explicit ListenerCertificateHandler(ListenerCertificateParts parts)
      : parts_(std::move(parts)), authority_(std::move(parts_.authority)) {}

  // Reads `request` before it returns, never later. Fails with kNotFound for a host that is of no
  // connector, kInvalidArgument for a request whose key or signature is not as it should be,
  // kResourceExhausted for a peer that asks too often, kUnavailable without a durable record.
  [[nodiscard]] Task<Result<v1::IssueListenerCertificateResponse>> Issue(
      const v1::IssueListenerCertificateRequest& request, std::string peer);

  [[nodiscard]] v1::GetListenerAuthorityResponse Authority() const;

  // Certificates are of this one from now on.
  void UseAuthority(std::shared_ptr<const listener_authority::ListenerAuthority> authority);

 private:
  struct Call {
    std::string host;
    std::string proof;
    std::string peer;
    std::string connector = {};  // Empty for a host of the data planes' Service.
    std::optional<listener_authority::ListenerAuthority::Certificate> certificate = std::nullopt;
    std::optional<Error> refusal = std::nullopt;
  };
  using CallPtr = std::shared_ptr<Call>;

  [[nodiscard]] Task<Result<v1::IssueListenerCertificateResponse>> Run(CallPtr call);
  [[nodiscard]] Result<Done> Decide(Call& call) const;
  [[nodiscard]] bool TakeTurn(const std::string& peer);
  [[nodiscard]] auditlog::Event Record(const Call& call) const;
  void Report(const Call& call) const;

  ListenerCertificateParts parts_;
  std::shared_ptr<const listener_authority::ListenerAuthority> authority_;  // Atomic.
  std::mutex mutex_;
  std::map<std::string, resilience::TokenBucket> turns_;  // By peer: those who asked a moment ago.
};

}  // namespace connector::broker::api
