#include "common/grpc/tls_check.h"

#include "common/base/secret.h"
#include "common/config/read_file.h"
#include "common/resource/ca_bundle.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>
#include <utility>

namespace connector::grpc_support {
namespace {

constexpr std::size_t kMaxPemBytes = std::size_t{1024} * 1024;

using Certificate = std::unique_ptr<X509, void (*)(X509*)>;
using Key = std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)>;
using Bio = std::unique_ptr<BIO, int (*)(BIO*)>;

Error Unusable(std::string message) {
  return MakeError(ErrorCode::kInvalidArgument, ErrorOrigin::kSelf, std::move(message));
}

Bio Memory(const std::string& text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), BIO_free};
}

// A key with a passphrase cannot be used; never ask at the terminal.
int NoPassphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*data*/) {
  return -1;
}

Result<Certificate> ReadCertificate(const std::string& path) {
  const Result<std::string> text = config::ReadFile(path, kMaxPemBytes);
  if (!text) {
    return text.error();
  }
  const Bio bio = Memory(*text);
  Certificate certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), X509_free);
  ERR_clear_error();
  if (!certificate) {
    return Unusable("holds no certificate in PEM");
  }
  return certificate;
}

}  // namespace

Result<Done> CheckCertificateFile(const std::string& path) {
  const Result<Certificate> certificate = ReadCertificate(path);
  return certificate ? Result<Done>(Done{}) : certificate.error();
}

Result<Done> CheckKeyFile(const std::string& path, const std::string& certificate_path) {
  Result<std::string> text = config::ReadFile(path, kMaxPemBytes);
  if (!text) {
    return text.error();
  }
  const Bio bio = Memory(*text);
  const Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassphrase, nullptr), EVP_PKEY_free);
  OPENSSL_cleanse(text->data(), text->size());
  const Result<Certificate> certificate = ReadCertificate(certificate_path);
  const bool fits =
      key && certificate && X509_check_private_key(certificate->get(), key.get()) == 1;
  ERR_clear_error();
  if (!key) {
    return Unusable("holds no private key in PEM without a passphrase");
  }
  if (certificate && !fits) {
    return Unusable("is not the key of the certificate");
  }
  return Done{};
}

Result<Done> CheckCaFile(const std::string& path) {
  const Result<std::string> text = config::ReadFile(path, kMaxPemBytes);
  return text ? resource::CheckCaBundle(*text) : text.error();
}

void CheckClientFiles(
    const TlsFiles& files,
    const std::function<
        void(const std::string& key, const std::string& file, const Result<Done>& sound)>& report) {
  report("certificateFile", files.certificate_file, CheckCertificateFile(files.certificate_file));
  report("keyFile", files.key_file, CheckKeyFile(files.key_file, files.certificate_file));
  report("caFile", files.ca_file, CheckCaFile(files.ca_file));
}

}  // namespace connector::grpc_support
