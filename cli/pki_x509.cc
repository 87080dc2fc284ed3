#include "cli/pki_x509.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>
#include <string_view>
#include <utility>

namespace connector::cli {
namespace {

constexpr int kSerialBits = 127;  // Positive, and at most the 20 octets of RFC 5280 4.1.2.2.

struct MoreDelete {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(BIGNUM* number) const { BN_clear_free(number); }
  void operator()(ASN1_INTEGER* number) const { ASN1_INTEGER_free(number); }
  void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
};
using BioPtr = std::unique_ptr<BIO, MoreDelete>;
using BignumPtr = std::unique_ptr<BIGNUM, MoreDelete>;
using IntegerPtr = std::unique_ptr<ASN1_INTEGER, MoreDelete>;
using NamesPtr = std::unique_ptr<GENERAL_NAMES, MoreDelete>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, MoreDelete>;

Error Failed(std::string what) {
  return MakeError(
      ErrorCode::kInternal, ErrorOrigin::kSelf, "OpenSSL could not " + std::move(what));
}

bool SetSerial(X509* certificate) {
  const BignumPtr number(BN_new());
  if (!number || BN_rand(number.get(), kSerialBits, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) != 1) {
    return false;
  }
  const IntegerPtr serial(BN_to_ASN1_INTEGER(number.get(), nullptr));
  return serial && X509_set_serialNumber(certificate, serial.get()) == 1;
}

bool SetName(X509* certificate, const std::string& common_name) {
  const auto* const bytes = reinterpret_cast<const unsigned char*>(common_name.c_str());
  X509_NAME* const name = X509_get_subject_name(certificate);
  return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, bytes, -1, -1, 0) == 1;
}

bool SetValidity(X509* certificate, const Validity& validity) {
  const std::time_t from = std::chrono::system_clock::to_time_t(validity.not_before);
  const std::time_t until = std::chrono::system_clock::to_time_t(validity.not_after);
  return ASN1_TIME_set(X509_getm_notBefore(certificate), from) != nullptr &&
         ASN1_TIME_set(X509_getm_notAfter(certificate), until) != nullptr;
}

struct Extension {
  int nid;
  std::string value;
};

std::vector<Extension> ExtensionsOf(const CertificateRequest& request) {
  std::vector<Extension> extensions{{NID_subject_key_identifier, "hash"}};
  if (request.purpose == Purpose::kAuthority) {
    // pathlen 0: nobody who steals a leaf's place may make authorities below this one.
    extensions.push_back({NID_basic_constraints, "critical,CA:TRUE,pathlen:0"});
    extensions.push_back({NID_key_usage, "critical,keyCertSign,cRLSign"});
    return extensions;
  }
  const bool server = request.purpose == Purpose::kServer;
  extensions.push_back({NID_authority_key_identifier, "keyid:always"});
  extensions.push_back({NID_basic_constraints, "critical,CA:FALSE"});
  extensions.push_back({NID_key_usage, "critical,digitalSignature"});
  extensions.push_back({NID_ext_key_usage, server ? "serverAuth" : "clientAuth"});
  std::string names;
  for (const std::string& name : request.names) {
    names += (names.empty() ? "" : ",") + name;
  }
  extensions.push_back({NID_subject_alt_name, names});
  return extensions;
}

bool AddExtensions(X509* certificate, X509* issuer, const CertificateRequest& request) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  for (const auto& [nid, value] : ExtensionsOf(request)) {
    const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
    if (!extension || X509_add_ext(certificate, extension.get(), -1) != 1) {
      return false;
    }
  }
  return true;
}

// A time that cannot be read is long past.
WallTime ToWallTime(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) {
    return {};
  }
  return std::chrono::system_clock::from_time_t(::timegm(&parts));
}

}  // namespace

void OpensslDelete::operator()(EVP_PKEY* key) const {
  EVP_PKEY_free(key);
}
void OpensslDelete::operator()(X509* certificate) const {
  X509_free(certificate);
}

Result<KeyPtr> MakeEcKey() {
  KeyPtr key(EVP_EC_gen("P-256"));
  return key ? Result<KeyPtr>(std::move(key)) : Failed("make a key");
}

Result<CertificatePtr> IssueCertificate(const CertificateRequest& request,
                                        EVP_PKEY* key,
                                        X509* issuer,
                                        EVP_PKEY* issuer_key) {
  CertificatePtr certificate(X509_new());
  X509* const raw = certificate.get();
  X509* const signer = issuer == nullptr ? raw : issuer;
  if (raw == nullptr || X509_set_version(raw, X509_VERSION_3) != 1 || !SetSerial(raw) ||
      !SetName(raw, request.common_name) || !SetValidity(raw, request.validity) ||
      X509_set_issuer_name(raw, X509_get_subject_name(signer)) != 1 ||
      X509_set_pubkey(raw, key) != 1) {
    return Failed("fill a certificate");
  }
  if (!AddExtensions(raw, signer, request)) {
    Error error = Failed("write the names of '" + request.common_name + "' into a certificate");
    error.code = ErrorCode::kInvalidArgument;
    return error;
  }
  if (X509_sign(raw, issuer_key, EVP_sha256()) == 0) {
    return Failed("sign a certificate");
  }
  return certificate;
}

Result<std::string> CertificatePem(X509* certificate) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  char* data = nullptr;
  if (!bio || PEM_write_bio_X509(bio.get(), certificate) != 1) {
    return Failed("write a certificate");
  }
  const long size = BIO_get_mem_data(bio.get(), &data);
  return std::string(data, static_cast<std::size_t>(size));
}

Result<Secret> PrivateKeyPem(EVP_PKEY* key) {
  const BioPtr bio(BIO_new(BIO_s_secmem()));
  char* data = nullptr;
  if (!bio ||
      PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return Failed("write a key");
  }
  const long size = BIO_get_mem_data(bio.get(), &data);
  return Secret(std::string_view(data, static_cast<std::size_t>(size)));
}

CertificatePtr ReadCertificate(std::string_view pem) {
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  CertificatePtr certificate(bio ? PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)
                                 : nullptr);
  ERR_clear_error();
  return certificate;
}

KeyPtr ReadPrivateKey(std::string_view pem) {
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  // The callback: a key with a passphrase is none, and nobody is asked for it.
  const auto no_passphrase = [](char*, int, int, void*) { return -1; };
  KeyPtr key(bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr) : nullptr);
  ERR_clear_error();
  return key;
}

bool IsKeyOf(X509* certificate, EVP_PKEY* key) {
  const bool is = X509_check_private_key(certificate, key) == 1;
  ERR_clear_error();
  return is;
}

bool IsSignedBy(X509* certificate, X509* issuer) {
  const bool is = X509_verify(certificate, X509_get0_pubkey(issuer)) == 1;
  ERR_clear_error();
  return is;
}

WallTime BeginOf(X509* certificate) {
  return ToWallTime(X509_get0_notBefore(certificate));
}

WallTime EndOf(X509* certificate) {
  return ToWallTime(X509_get0_notAfter(certificate));
}

std::vector<std::string> NamesOf(X509* certificate) {
  std::vector<std::string> names;
  const NamesPtr found(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; i < sk_GENERAL_NAME_num(found.get()); ++i) {
    int type = 0;
    const auto* const value = static_cast<const ASN1_STRING*>(
        GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(found.get(), i), &type));
    if (type == GEN_DNS || type == GEN_URI) {
      const auto* const bytes = reinterpret_cast<const char*>(ASN1_STRING_get0_data(value));
      names.push_back((type == GEN_DNS ? "DNS:" : "URI:") +
                      std::string(bytes, static_cast<std::size_t>(ASN1_STRING_length(value))));
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace connector::cli
