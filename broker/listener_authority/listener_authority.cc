#include "broker/listener_authority/listener_authority.h"

#include "broker/listener_authority/authority_key.h"
#include "common/base/encoding.h"
#include "common/crypto/digest.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace connector::broker::listener_authority {
namespace {

constexpr std::size_t kSerialBytes = 15;  // Positive whatever its first bit is.
constexpr std::size_t kNameDigits = 12;

// Fixed, so that the certificate is the same on every broker. The key lives as long as the root key
// does, and ends when that is replaced.
x509::Validity AuthorityValidity() {
  using namespace std::chrono;  // NOLINT(google-build-using-namespace): for calendar literals.
  return {sys_days{2026y / January / 1}, sys_days{2046y / January / 1}};
}

// Two authorities in one trust store must not look like one, and neither must two certificates of
// one authority for different suffixes.
std::string DigestOf(const Secret& root_key, const std::vector<std::string>& certified_suffixes) {
  std::string purpose = "oci-connector listener authority name";
  for (const std::string& suffix : certified_suffixes) {
    purpose += " " + suffix;
  }
  const Secret derived = crypto::HkdfSha256(root_key.Reveal(), purpose, crypto::kSha256Bytes);
  return crypto::Sha256(derived.Reveal());
}

struct Authority {
  x509::KeyPtr key;
  x509::CertificatePtr certificate;
};

// `suffixes` are sorted.
Result<Authority> MakeAuthority(const Secret& root_key, const std::vector<std::string>& suffixes) {
  Result<x509::KeyPtr> key = DeriveAuthorityKey(root_key);
  if (!key) {
    return std::move(key).error();
  }
  const std::string name = HexEncode(DigestOf(root_key, {})).substr(0, kNameDigits);
  const x509::CertificateRequest request{
      .purpose = x509::Purpose::kAuthority,
      .common_name = "OCI Connector listener authority " + name,
      .names = {},
      .validity = AuthorityValidity(),
      .permitted_dns = suffixes,
      .serial = DigestOf(root_key, suffixes).substr(0, kSerialBytes)};
  Result<x509::CertificatePtr> made =
      x509::IssueCertificate(request, key->get(), nullptr, key->get());
  if (!made) {
    return std::move(made).error();
  }
  Result<x509::CertificatePtr> certificate = SignReproducibly(*std::move(made), root_key);
  if (!certificate) {
    return std::move(certificate).error();
  }
  return Authority{*std::move(key), *std::move(certificate)};
}

}  // namespace

ListenerAuthority::ListenerAuthority(x509::KeyPtr key,
                                     x509::CertificatePtr certificate,
                                     std::string pem)
    : key_(std::move(key)), certificate_(std::move(certificate)), pem_(std::move(pem)) {}

Result<std::unique_ptr<ListenerAuthority>> ListenerAuthority::Make(
    const root_key::RootKeys& root_keys, const std::vector<std::string>& certified_suffixes) {
  std::vector<std::string> suffixes = certified_suffixes;
  std::sort(suffixes.begin(), suffixes.end());
  std::optional<Authority> signing;
  std::string pems;
  for (const Secret& root_key : root_keys.all()) {
    Result<Authority> authority = MakeAuthority(root_key, suffixes);
    if (!authority) {
      return std::move(authority).error();
    }
    const Result<std::string> pem = x509::CertificatePem(authority->certificate.get());
    if (!pem) {
      return pem.error();
    }
    pems += *pem;
    if (!signing) {
      signing = *std::move(authority);
    }
  }
  return std::unique_ptr<ListenerAuthority>(new ListenerAuthority(
      std::move(signing->key), std::move(signing->certificate), std::move(pems)));
}

WallTime ListenerAuthority::not_after() const {
  return x509::EndOf(certificate_.get());
}

Result<ListenerAuthority::Certificate> ListenerAuthority::Issue(const std::string& host,
                                                                EVP_PKEY* key,
                                                                WallTime now) const {
  const WallTime until = std::min<WallTime>(now + kCertificateLife, not_after());
  const x509::CertificateRequest request{.purpose = x509::Purpose::kServer,
                                         .common_name = {},
                                         .names = {"DNS:" + host},
                                         .validity = {now - kBackdated, until}};
  const Result<x509::CertificatePtr> made =
      x509::IssueCertificate(request, key, certificate_.get(), key_.get());
  if (!made) {
    return made.error();
  }
  Result<std::string> der = x509::CertificateDer(made->get());
  if (!der) {
    return std::move(der).error();
  }
  return Certificate{*std::move(der), until};
}

}  // namespace connector::broker::listener_authority
