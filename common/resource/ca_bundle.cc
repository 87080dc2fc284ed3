#include "common/resource/ca_bundle.h"

#include "common/base/input_error.h"
#include "common/crypto/digest.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>
#include <utility>

namespace connector::resource {
namespace {

struct Free {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
};

const std::string& Nothing() {
  static const std::string nothing;
  return nothing;
}

}  // namespace

CaBundle::CaBundle(std::string pem) {
  if (!pem.empty()) {
    std::string digest = crypto::Sha256Hex(pem);
    content_ = std::make_shared<const Content>(Content{std::move(pem), std::move(digest)});
  }
}

const std::string& CaBundle::pem() const {
  return content_ ? content_->pem : Nothing();
}

const std::string& CaBundle::digest() const {
  return content_ ? content_->digest : Nothing();
}

Result<CaBundle> ReadConnectorCaBundle(std::string_view pem) {
  if (pem.size() > kMaxConnectorCaBundleBytes) {
    return InvalidInput("has " + std::to_string(pem.size()) + " bytes, and at most " +
                        std::to_string(kMaxConnectorCaBundleBytes) +
                        " (64 KiB) are allowed; keep only the CA certificates that this "
                        "registry's own certificate needs");
  }
  const Result<Done> checked = CheckCaBundle(pem);
  if (!checked) {
    return checked.error();
  }
  return CaBundle(std::string(pem));
}

Result<Done> CheckCaBundle(std::string_view pem) {
  if (pem.size() > kMaxCaBundleBytes) {
    return InvalidInput("is larger than 1 MiB; keep only the CA certificates that are needed");
  }
  if (pem.find("PRIVATE KEY-----") != std::string_view::npos) {
    return InvalidInput("holds a private key; keep only CERTIFICATE blocks");
  }
  const std::unique_ptr<BIO, Free> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  ERR_clear_error();
  int count = 0;
  while (bio != nullptr) {
    const std::unique_ptr<X509, Free> certificate(
        PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (certificate == nullptr) {
      break;
    }
    ++count;
  }
  const unsigned long error = ERR_peek_last_error();
  ERR_clear_error();
  if (ERR_GET_REASON(error) != PEM_R_NO_START_LINE) {
    return InvalidInput(
        "holds a certificate that does not parse; paste it again, with its BEGIN and "
        "END lines");
  }
  if (count == 0) {
    return InvalidInput(
        "holds no certificate; write PEM, that is a block that begins with "
        "-----BEGIN CERTIFICATE-----");
  }
  return Done{};
}

}  // namespace connector::resource
