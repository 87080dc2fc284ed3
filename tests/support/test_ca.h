#pragma once

// A certificate authority in memory, for tests with real TLS. EC P-256 throughout.

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace connector::testing_support {

struct CertificateSpec {
  std::string common_name = "test";
  std::vector<std::string> sans;  // As OpenSSL writes them: "DNS:a", "URI:spiffe://b", "IP:::1".
  std::chrono::seconds not_before{-3600};  // From now.
  std::chrono::seconds not_after{3600};
};

struct IssuedCertificate {
  std::string certificate_pem;
  std::string key_pem;
};

class TestCa {
 public:
  explicit TestCa(std::string common_name = "test CA");
  ~TestCa();
  TestCa(const TestCa&) = delete;
  TestCa& operator=(const TestCa&) = delete;

  [[nodiscard]] std::string certificate_pem() const;
  [[nodiscard]] IssuedCertificate Issue(const CertificateSpec& spec) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Writes `text` to `path` through a rename, as a certificate manager does.
void ReplaceFile(const std::string& path, const std::string& text);

}  // namespace connector::testing_support
