#pragma once

// TestCa: a certificate authority that lives in the memory of one test, and the server identities
// that it issues. EC P-256.

#include <openssl/types.h>

#include <memory>
#include <string>
#include <vector>

namespace connector::testing_support {

struct TlsIdentity {
  std::string certificate_pem;
  std::string key_pem;
};

struct CertificateRequest {
  std::vector<std::string> names{"DNS:localhost", "IP:127.0.0.1"};  // subjectAltName entries.
  long valid_from_seconds = -3600;                                  // Relative to now.
  long valid_to_seconds = 3600;
  std::string common_name{"test server"};
};

class TestCa {
 public:
  TestCa();

  [[nodiscard]] const std::string& pem() const { return identity_.certificate_pem; }
  [[nodiscard]] TlsIdentity Issue(const CertificateRequest& request = {}) const;

 private:
  TlsIdentity identity_;
  std::shared_ptr<EVP_PKEY> key_;
  std::shared_ptr<X509> certificate_;
};

}  // namespace connector::testing_support
