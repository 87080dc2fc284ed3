#include "common/crypto/certificates.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/provider.h>
#include <openssl/x509.h>

namespace connector::crypto {
namespace {

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};

// In a library context without algorithms a certificate parses, and its key stays as it came.
OSSL_LIB_CTX* WithoutAlgorithms() {
  static OSSL_LIB_CTX* const context = [] {
    OSSL_LIB_CTX* const made = OSSL_LIB_CTX_new();
    OSSL_PROVIDER_load(made, "null");
    return made;
  }();
  return context;
}

}  // namespace

void CertificateDeleter::operator()(X509* certificate) const {
  X509_free(certificate);
}

Result<std::vector<Certificate>> ParseCertificates(std::string_view pem) {
  const std::unique_ptr<BIO, FreeBio> bio(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  ERR_clear_error();
  std::vector<Certificate> out;
  while (true) {
    X509* certificate = X509_new_ex(WithoutAlgorithms(), nullptr);
    if (PEM_read_bio_X509(bio.get(), &certificate, nullptr, nullptr) == nullptr) {
      X509_free(certificate);
      break;
    }
    out.emplace_back(certificate);
    ERR_clear_error();  // Of the key.
  }
  const unsigned long error = ERR_peek_last_error();
  ERR_clear_error();
  if (ERR_GET_REASON(error) != PEM_R_NO_START_LINE) {
    return MakeError(ErrorCode::kInvalidArgument,
                     ErrorOrigin::kClient,
                     "holds a certificate that does not parse; paste it again, with its BEGIN and "
                     "END lines");
  }
  return out;
}

}  // namespace connector::crypto
