#pragma once

// PeerVerification: the one place that says which TLS peers this library accepts: TLS 1.2 or later,
// a chain to a given trust store, and the host among the certificate's alternative names. Private
// to this library.

#include <curl/curl.h>
#include <openssl/types.h>

#include <memory>
#include <string>

namespace connector::curl {

// Belongs to one handle, and outlives its transfer.
class PeerVerification {
 public:
  // `ca_pem`: what `trust` was made of; only read here.
  void SetUp(CURL* easy, const std::string& ca_pem, std::shared_ptr<X509_STORE> trust);

  // True when the chain was looked at and refused.
  [[nodiscard]] bool failed() const;
  // What is wrong, for a sentence that starts with "the certificate of HOST".
  [[nodiscard]] std::string Problem() const;

 private:
  static CURLcode OnTlsContext(CURL* easy, void* context, void* self);
  static int OnVerify(X509_STORE_CTX* chain, void* self);

  std::shared_ptr<X509_STORE> trust_;
  int error_ = 0;  // X509_V_OK
};

}  // namespace connector::curl
