#pragma once

// CertificateCache: the listener certificates of one data plane, shared by its cores. One key, made
// when the process starts and never written down; one certificate for each host that clients asked
// for. The first client of a host has the broker asked once, however many wait with it; later ones
// have a new certificate fetched ahead of the end of the old one, which serves on meanwhile.
//
// It does not decide which hosts there are: whoever calls Find and Fetch asks for hosts of routes
// alone, and calls Retain when routes change, so that it holds no more than these.

#include "common/async/task.h"
#include "common/base/clock.h"
#include "common/base/result.h"
#include "common/log/log.h"
#include "common/resilience/backoff.h"
#include "common/x509/x509_certificates.h"
#include "dataplane/certificates/certificate_issuer.h"
#include "dataplane/net/server_names.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace connector::dataplane::certificates {

// After a failure the same host is asked for again so late.
inline constexpr resilience::BackoffOptions kCertificateBackoff{std::chrono::milliseconds(1000),
                                                                std::chrono::milliseconds(30'000)};

struct CertificateStats {
  std::size_t held = 0;
  std::uint64_t issued = 0;
  std::uint64_t failed = 0;
};

// Thread-safe.
class CertificateCache {
 public:
  // Makes the key. All outlive the cache, but for what `issuer` still owes an answer. Fails with
  // kInternal when OpenSSL does.
  [[nodiscard]] static Result<std::unique_ptr<CertificateCache>> Make(CertificateIssuer& issuer,
                                                                      const Clock& clock,
                                                                      log::Logger& logger);
  ~CertificateCache();
  CertificateCache(const CertificateCache&) = delete;
  CertificateCache& operator=(const CertificateCache&) = delete;

  // The certificate of `host` while it is valid; null otherwise. Never waits; asks for a new one
  // when two thirds of its time are over, give or take a tenth.
  [[nodiscard]] net::ServerCertificatePtr Find(const std::string& host);

  // Asks the broker where there is none, joining a call under way. Fails with the broker's reason,
  // and with the same one at once until kCertificateBackoff is over; with kDeadlineExceeded.
  [[nodiscard]] Task<Result<net::ServerCertificatePtr>> Fetch(std::string host, Deadline deadline);

  // Forgets the hosts of which `served` says no.
  void Retain(const std::function<bool(const std::string& host)>& served);

  [[nodiscard]] CertificateStats Stats() const;

 private:
  struct State;
  explicit CertificateCache(std::shared_ptr<State> state);

  std::shared_ptr<State> state_;  // Outlives this object while the broker still owes an answer.
};

}  // namespace connector::dataplane::certificates
