#include "tests/support/test_ca.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <utility>

namespace connector::testing_support {
namespace {

template <typename T, void (*kFree)(T*)>
struct Freed {
  void operator()(T* object) const { kFree(object); }
};
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY, EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509, X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Freed<X509_EXTENSION, X509_EXTENSION_free>>;

template <typename T>
T* Checked(T* object) {
  if (object == nullptr) {
    throw std::runtime_error("OpenSSL failed");
  }
  return object;
}

void Check(int result) {
  if (result <= 0) {
    throw std::runtime_error("OpenSSL failed");
  }
}

template <typename Write>
std::string ToPem(const Write& write) {
  BIO* const bio = Checked(BIO_new(BIO_s_mem()));
  Check(write(bio));
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string pem(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return pem;
}

std::string ToPem(X509* certificate) {
  return ToPem([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate); });
}

void AddExtension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Extension extension(Checked(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str())));
  Check(X509_add_ext(certificate, extension.get(), -1));
}

Certificate Build(const CertificateSpec& spec, EVP_PKEY* key, X509* issuer, EVP_PKEY* issuer_key) {
  static std::atomic<long> serial = 1;
  Certificate certificate(Checked(X509_new()));
  X509* const x = certificate.get();
  Check(X509_set_version(x, X509_VERSION_3));
  Check(ASN1_INTEGER_set(X509_get_serialNumber(x), serial++));
  Checked(X509_gmtime_adj(X509_getm_notBefore(x), spec.not_before.count()));
  Checked(X509_gmtime_adj(X509_getm_notAfter(x), spec.not_after.count()));
  Check(X509_set_pubkey(x, key));
  Check(X509_NAME_add_entry_by_txt(X509_get_subject_name(x),
                                   "CN",
                                   MBSTRING_ASC,
                                   reinterpret_cast<const unsigned char*>(spec.common_name.c_str()),
                                   -1,
                                   -1,
                                   0));
  X509* const parent = issuer == nullptr ? x : issuer;
  Check(X509_set_issuer_name(x, X509_get_subject_name(parent)));
  AddExtension(
      x, parent, NID_basic_constraints, issuer == nullptr ? "critical,CA:TRUE" : "CA:FALSE");
  AddExtension(x, parent, NID_subject_key_identifier, "hash");
  std::string names;
  for (const std::string& san : spec.sans) {
    names.append(names.empty() ? "" : ",").append(san);
  }
  if (!names.empty()) {
    AddExtension(x, parent, NID_subject_alt_name, names);
  }
  Check(X509_sign(x, issuer_key, EVP_sha256()));
  return certificate;
}

}  // namespace

struct TestCa::Impl {
  Key key{Checked(EVP_EC_gen("P-256"))};
  Certificate certificate;
};

TestCa::TestCa(std::string common_name) : impl_(std::make_unique<Impl>()) {
  CertificateSpec spec;
  spec.common_name = std::move(common_name);
  impl_->certificate = Build(spec, impl_->key.get(), nullptr, impl_->key.get());
}

TestCa::~TestCa() = default;

std::string TestCa::certificate_pem() const {
  return ToPem(impl_->certificate.get());
}

IssuedCertificate TestCa::Issue(const CertificateSpec& spec) const {
  const Key key(Checked(EVP_EC_gen("P-256")));
  const Certificate certificate =
      Build(spec, key.get(), impl_->certificate.get(), impl_->key.get());
  return {ToPem(certificate.get()), ToPem([&](BIO* bio) {
            return PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
          })};
}

void ReplaceFile(const std::string& path, const std::string& text) {
  {
    std::ofstream out(path + ".new", std::ios::binary);
    out << text;
  }
  std::filesystem::rename(path + ".new", path);
}

}  // namespace connector::testing_support
