#pragma once

// Makes EC P-256 keys and X.509 certificates with OpenSSL 3, and reads them again: those of
// connectorctl's `pki` commands and of the broker's listener authority. No revocation. Takes the
// time as a value; randomness comes from OpenSSL.

#include "common/base/clock.h"
#include "common/base/result.h"
#include "common/base/secret.h"

#include <openssl/types.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace connector::x509 {

struct OpensslDelete {
  void operator()(EVP_PKEY* key) const;
  void operator()(X509* certificate) const;
};
using KeyPtr = std::unique_ptr<EVP_PKEY, OpensslDelete>;
using CertificatePtr = std::unique_ptr<X509, OpensslDelete>;

enum class Purpose : std::uint8_t {
  kAuthority,  // CA, pathlen 0; keyCertSign and cRLSign.
  kServer,     // extendedKeyUsage serverAuth
  kClient,     // extendedKeyUsage clientAuth
};

struct Validity {
  WallTime not_before;
  WallTime not_after;
};

struct CertificateRequest {
  Purpose purpose = Purpose::kServer;
  // For people; nothing is verified against it (RFC 9525). May be empty where there are names.
  std::string common_name;
  // Subject alternative names as OpenSSL writes them: "DNS:localhost", "IP:127.0.0.1", "URI:...".
  std::vector<std::string> names;
  Validity validity;
  // Of an authority: it can certify servers alone, and only names equal to one of these or below
  // one, and no IP address (RFC 5280 section 4.2.1.10). Empty: anything.
  std::vector<std::string> permitted_dns = {};
  std::string serial = {};  // Big-endian, at most 16 bytes. Empty: 127 random bits.
};

[[nodiscard]] Result<KeyPtr> MakeEcKey();

// The certificate of `key`, signed with ECDSA-SHA256 by `issuer_key`.
// `issuer` is null for a self-signed authority. Fails with kInvalidArgument for a name that OpenSSL
// does not take, else with kInternal.
[[nodiscard]] Result<CertificatePtr> IssueCertificate(const CertificateRequest& request,
                                                      EVP_PKEY* key,
                                                      X509* issuer,
                                                      EVP_PKEY* issuer_key);

[[nodiscard]] Result<std::string> CertificatePem(X509* certificate);
[[nodiscard]] Result<std::string> CertificateDer(X509* certificate);
[[nodiscard]] Result<Secret> PrivateKeyPem(EVP_PKEY* key);  // PKCS#8

// Null for what is no PEM of such a thing.
[[nodiscard]] CertificatePtr ReadCertificate(std::string_view pem);
[[nodiscard]] CertificatePtr ReadCertificateDer(std::string_view der);
[[nodiscard]] KeyPtr ReadPrivateKey(std::string_view pem);

// A PKCS#10 request, DER, that names nothing: it proves that its sender has `key`.
[[nodiscard]] Result<std::string> MakeKeyProof(EVP_PKEY* key);
// The key of such a request; what else it says is not read. Fails with kInvalidArgument for what is
// no PKCS#10, for a signature that the key did not make, and for a key that is not EC P-256.
[[nodiscard]] Result<KeyPtr> ReadKeyProof(std::string_view der);

[[nodiscard]] bool IsKeyOf(X509* certificate, EVP_PKEY* key);
[[nodiscard]] bool IsSignedBy(X509* certificate, X509* issuer);
[[nodiscard]] WallTime BeginOf(X509* certificate);
[[nodiscard]] bool IsForHost(X509* certificate, const std::string& host);
[[nodiscard]] WallTime EndOf(X509* certificate);
// Subject alternative names as in CertificateRequest, DNS and URI alone, sorted.
[[nodiscard]] std::vector<std::string> NamesOf(X509* certificate);

}  // namespace connector::x509
