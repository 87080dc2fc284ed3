#pragma once

// FakeCertificateIssuer: a CertificateIssuer with an authority of its own, that answers at once or
// when the test lets it, and remembers what it was asked.

#include "common/base/clock.h"
#include "common/x509/x509_certificates.h"
#include "dataplane/certificates/certificate_issuer.h"
#include "tests/support/cpp/held_answers.h"

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace connector::testing_support {

class FakeCertificateIssuer final : public dataplane::certificates::CertificateIssuer {
 public:
  static constexpr std::chrono::hours kLife{24};

  // What it is about to certify.
  struct Made {
    std::string host;
    std::shared_ptr<EVP_PKEY> key;
    x509::Validity validity;
  };

  explicit FakeCertificateIssuer(const Clock& clock) : clock_(clock) {
    const x509::CertificateRequest request{
        .purpose = x509::Purpose::kAuthority,
        .common_name = "test authority",
        .names = {},
        .validity = {clock.Now() - std::chrono::hours(1), clock.Now() + 1000 * kLife}};
    authority_ = *x509::IssueCertificate(request, key_.get(), nullptr, key_.get());
  }

  void Issue(const std::string& host,
             const std::string& proof,
             std::function<void(Result<std::string>)> done) override {
    {
      const std::lock_guard lock(mutex_);
      hosts_.push_back(host);
    }
    held_.Give([this, host, proof, done = std::move(done)] { done(Answer(host, proof)); });
  }

  // Empty: from now on it issues.
  void FailWith(std::string message) {
    const std::lock_guard lock(mutex_);
    failure_ = std::move(message);
  }
  void IssueWith(std::function<void(Made&)> change) {
    const std::lock_guard lock(mutex_);
    change_ = std::move(change);
  }
  // From now on answers wait for Release.
  void Hold() { held_.Hold(); }
  void Release() { held_.Release(); }
  [[nodiscard]] std::vector<std::string> hosts() const {
    const std::lock_guard lock(mutex_);
    return hosts_;
  }
  [[nodiscard]] std::string ca_pem() const { return *x509::CertificatePem(authority_.get()); }

 private:
  Result<std::string> Answer(const std::string& host, const std::string& proof) const {
    const std::lock_guard lock(mutex_);
    if (!failure_.empty()) {
      return MakeError(ErrorCode::kUnavailable, ErrorOrigin::kBroker, failure_);
    }
    Result<x509::KeyPtr> key = x509::ReadKeyProof(proof);
    if (!key) {
      return std::move(key).error();
    }
    Made made{
        host, *std::move(key), {clock_.Now() - std::chrono::minutes(1), clock_.Now() + kLife}};
    if (change_) {
      change_(made);
    }
    const x509::CertificateRequest request{.purpose = x509::Purpose::kServer,
                                           .common_name = {},
                                           .names = {"DNS:" + made.host},
                                           .validity = made.validity};
    const Result<x509::CertificatePtr> certificate =
        x509::IssueCertificate(request, made.key.get(), authority_.get(), key_.get());
    return certificate ? x509::CertificateDer(certificate->get()) : certificate.error();
  }

  const Clock& clock_;
  x509::KeyPtr key_ = *x509::MakeEcKey();
  x509::CertificatePtr authority_;
  mutable std::mutex mutex_;
  std::string failure_;
  std::function<void(Made&)> change_;
  HeldAnswers held_;
  std::vector<std::string> hosts_;
};

}  // namespace connector::testing_support
