#include "common/x509/x509_certificates.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <string_view>
#include <utility>

namespace connector::x509 {
namespace {

constexpr int kSerialBits = 127;  // Positive, and at most the 20 octets of RFC 5280 4.1.2.2.

struct MoreDelete {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(BIGNUM* number) const { BN_clear_free(number); }
  void operator()(ASN1_INTEGER* number) const { ASN1_INTEGER_free(number); }
  void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
  void operator()(X509_REQ* request) const { X509_REQ_free(request); }
};
using BioPtr = std::unique_ptr<BIO, MoreDelete>;
using BignumPtr = std::unique_ptr<BIGNUM, MoreDelete>;
using IntegerPtr = std::unique_ptr<ASN1_INTEGER, MoreDelete>;
using NamesPtr = std::unique_ptr<GENERAL_NAMES, MoreDelete>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, MoreDelete>;
using RequestPtr = std::unique_ptr<X509_REQ, MoreDelete>;

Error Failed(std::string what) {
  return MakeError(
      ErrorCode::kInternal, ErrorOrigin::kSelf, "OpenSSL could not " + std::move(what));
}

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

bool SetSerial(X509* certificate, std::string_view serial) {
  const BignumPtr number(BN_new());
  if (!number) {
    return false;
  }
  const bool set =
      serial.empty()
          ? BN_rand(number.get(), kSerialBits, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1
          : BN_bin2bn(Bytes(serial), static_cast<int>(serial.size()), number.get()) != nullptr;
  if (!set) {
    return false;
  }
  const IntegerPtr encoded(BN_to_ASN1_INTEGER(number.get(), nullptr));
  return encoded && X509_set_serialNumber(certificate, encoded.get()) == 1;
}

bool SetName(X509* certificate, const std::string& common_name) {
  if (common_name.empty()) {
    return true;
  }
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

std::string ConstraintsOf(const std::vector<std::string>& permitted_dns) {
  std::string text = "critical";
  for (const std::string& name : permitted_dns) {
    text += ",permitted;DNS:" + name;
  }
  // What no subtree of its kind permits is not restricted by the others.
  return text + ",excluded;IP:0.0.0.0/0.0.0.0,excluded;IP:0:0:0:0:0:0:0:0/0:0:0:0:0:0:0:0";
}

std::vector<Extension> ExtensionsOf(const CertificateRequest& request) {
  std::vector<Extension> extensions{{NID_subject_key_identifier, "hash"}};
  if (request.purpose == Purpose::kAuthority) {
    // pathlen 0: nobody who steals a leaf's place may make authorities below this one.
    extensions.push_back({NID_basic_constraints, "critical,CA:TRUE,pathlen:0"});
    extensions.push_back({NID_key_usage, "critical,keyCertSign,cRLSign"});
    if (!request.permitted_dns.empty()) {
      extensions.push_back({NID_ext_key_usage, "serverAuth"});
      extensions.push_back({NID_name_constraints, ConstraintsOf(request.permitted_dns)});
    }
    return extensions;
  }
  const bool server = request.purpose == Purpose::kServer;
  extensions.push_back({NID_authority_key_identifier, "keyid:always"});
  extensions.push_back({NID_basic_constraints, "critical,CA:FALSE"});
  extensions.push_back({NID_key_usage, "critical,digitalSignature"});
  extensions.push_back({NID_ext_key_usage, server ? "serverAuth" : "clientAuth"});
  // Critical where they are all that the certificate names (RFC 5280 section 4.2.1.6).
  std::string names = request.common_name.empty() ? "critical" : "";
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
  if (raw == nullptr || X509_set_version(raw, X509_VERSION_3) != 1 ||
      !SetSerial(raw, request.serial) || !SetName(raw, request.common_name) ||
      !SetValidity(raw, request.validity) ||
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

Result<std::string> CertificateDer(X509* certificate) {
  const int size = i2d_X509(certificate, nullptr);
  std::string der(static_cast<std::size_t>(std::max(size, 0)), '\0');
  auto* out = reinterpret_cast<unsigned char*>(der.data());
  if (size <= 0 || i2d_X509(certificate, &out) != size) {
    return Failed("write a certificate");
  }
  return der;
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

CertificatePtr ReadCertificateDer(std::string_view der) {
  const unsigned char* in = Bytes(der);
  CertificatePtr certificate(d2i_X509(nullptr, &in, static_cast<long>(der.size())));
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

Result<std::string> MakeKeyProof(EVP_PKEY* key) {
  const RequestPtr request(X509_REQ_new());
  if (!request || X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) != 1 ||
      X509_REQ_set_pubkey(request.get(), key) != 1 ||
      X509_REQ_sign(request.get(), key, EVP_sha256()) == 0) {
    return Failed("sign a certificate request");
  }
  std::string der(static_cast<std::size_t>(std::max(i2d_X509_REQ(request.get(), nullptr), 0)),
                  '\0');
  auto* out = reinterpret_cast<unsigned char*>(der.data());
  i2d_X509_REQ(request.get(), &out);
  return der;
}

Result<KeyPtr> ReadKeyProof(std::string_view der) {
  const auto invalid = [](std::string what) {
    ERR_clear_error();
    return MakeError(ErrorCode::kInvalidArgument, ErrorOrigin::kClient, std::move(what));
  };
  const unsigned char* in = Bytes(der);
  const RequestPtr request(d2i_X509_REQ(nullptr, &in, static_cast<long>(der.size())));
  if (!request) {
    return invalid("it is no PKCS#10 certificate request");
  }
  KeyPtr key(X509_REQ_get_pubkey(request.get()));
  std::array<char, 32> group{};
  if (!key || EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_EC ||
      EVP_PKEY_get_group_name(key.get(), group.data(), group.size(), nullptr) != 1 ||
      std::string_view(group.data()) != SN_X9_62_prime256v1) {
    return invalid("the key is not of the kind EC P-256");
  }
  if (X509_REQ_verify(request.get(), key.get()) != 1) {
    return invalid("the request is not signed by its own key");
  }
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

bool IsForHost(X509* certificate, const std::string& host) {
  return X509_check_host(certificate,
                         host.data(),
                         host.size(),
                         X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS,
                         nullptr) == 1;
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

}  // namespace connector::x509
