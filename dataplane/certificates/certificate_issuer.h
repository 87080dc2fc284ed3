#pragma once

// CertificateIssuer: who certifies a key for a host. Implementations: grpc_certificate_issuer.h
// (the broker), and fakes in tests.

#include "common/base/result.h"

#include <functional>
#include <string>

namespace connector::dataplane::certificates {

// Thread-safe.
class CertificateIssuer {
 public:
  virtual ~CertificateIssuer() = default;

  // Calls `done` exactly once, on any thread, with the certificate (X.509, DER) or why there is
  // none. `proof` is a PKCS#10 request of the key.
  virtual void Issue(const std::string& host,
                     const std::string& proof,
                     std::function<void(Result<std::string>)> done) = 0;

 protected:
  CertificateIssuer() = default;
  CertificateIssuer(const CertificateIssuer&) = default;
  CertificateIssuer& operator=(const CertificateIssuer&) = default;
};

}  // namespace connector::dataplane::certificates
