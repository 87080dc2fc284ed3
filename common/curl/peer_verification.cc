#include "common/curl/peer_verification.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <utility>

namespace connector::curl {
namespace {

bool HasAlternativeName(const X509* certificate) {
  auto* const names = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  bool found = false;
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    const int type = sk_GENERAL_NAME_value(names, i)->type;
    found = found || type == GEN_DNS || type == GEN_IPADD;
  }
  GENERAL_NAMES_free(names);
  return found;
}

}  // namespace

void PeerVerification::SetUp(CURL* easy,
                             const std::string& ca_pem,
                             std::shared_ptr<X509_STORE> trust) {
  trust_ = std::move(trust);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  // A resumed handshake verifies no certificate.
  curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
  curl_easy_setopt(easy, CURLOPT_CAINFO, nullptr);  // The store holds the system's.
  curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
  if (!ca_pem.empty()) {
    // Only so that curl's connection cache tells apart what trusts different CAs.
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): curl copies it.
    curl_blob blob{const_cast<char*>(ca_pem.data()), ca_pem.size(), CURL_BLOB_COPY};
    curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &blob);
  }
  curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, &PeerVerification::OnTlsContext);
  curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, this);
}

bool PeerVerification::failed() const {
  return error_ != X509_V_OK;
}

std::string PeerVerification::Problem() const {
  switch (error_) {
    case X509_V_OK:
      return "is for another name";
    case X509_V_ERR_HOSTNAME_MISMATCH:
      return "has no subject alternative name; its common name does not count";
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "has expired";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "is not valid yet";
    default:
      return std::string("is not trusted (") + X509_verify_cert_error_string(error_) + ")";
  }
}

CURLcode PeerVerification::OnTlsContext(CURL* /*easy*/, void* context, void* self) {
  auto* tls = static_cast<SSL_CTX*>(context);
  // The broker turns TLS 1.2 off for the whole process, which is meant for gRPC only.
  SSL_CTX_clear_options(tls, SSL_OP_NO_TLSv1_2);
  SSL_CTX_set1_cert_store(tls, static_cast<PeerVerification*>(self)->trust_.get());
  SSL_CTX_set_cert_verify_callback(tls, &PeerVerification::OnVerify, self);
  return CURLE_OK;
}

// OpenSSL's own verification; keeps the reason, which curl reports for some errors alone. Without
// any alternative name curl would compare the common name.
int PeerVerification::OnVerify(X509_STORE_CTX* chain, void* self) {
  int verified = X509_verify_cert(chain);
  if (verified == 1 && !HasAlternativeName(X509_STORE_CTX_get0_cert(chain))) {
    X509_STORE_CTX_set_error(chain, X509_V_ERR_HOSTNAME_MISMATCH);
    verified = 0;
  }
  static_cast<PeerVerification*>(self)->error_ = X509_STORE_CTX_get_error(chain);
  return verified;
}

}  // namespace connector::curl
