#include "broker/listener_authority/listener_authority.h"

#include "broker/listener_authority/authority_key.h"
#include "common/x509/x509_certificates.h"
#include "tests/support/cpp/fake_clock.h"
#include "tests/support/cpp/root_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

namespace connector::broker::listener_authority {
namespace {

using ::testing::ElementsAre;

const std::vector<std::string> kSuffixes = {"svc", "svc.cluster.local"};
const std::string kHost = "c-harbor.default.svc.cluster.local";
constexpr WallTime kNow = testing_support::FakeClock::kStart;

class AuthorityTest : public ::testing::Test {
 protected:
  static std::unique_ptr<ListenerAuthority> Make(
      std::string_view root_keys, const std::vector<std::string>& suffixes = kSuffixes) {
    auto made = ListenerAuthority::Make(testing_support::MakeRootKeys(root_keys), suffixes);
    return made ? std::move(*made) : nullptr;
  }
  x509::CertificatePtr Issue(const std::string& host, WallTime now = kNow) const {
    return IssueWith(*authority_, host, now);
  }
  x509::CertificatePtr IssueWith(const ListenerAuthority& authority,
                                 const std::string& host = kHost,
                                 WallTime now = kNow) const {
    const auto made = authority.Issue(host, key_.get(), now);
    return x509::ReadCertificateDer(made ? made->der : "");
  }
  // What somebody makes who has the authority's key.
  x509::CertificatePtr Forge(x509::Purpose purpose, const std::string& name) const {
    const x509::CertificatePtr own = x509::ReadCertificate(authority_->pem());
    const auto stolen = DeriveAuthorityKey(testing_support::MakeRootKeys("r").current());
    auto made = x509::IssueCertificate({.purpose = purpose,
                                        .common_name = {},
                                        .names = {name},
                                        .validity = {kNow - kBackdated, kNow + kCertificateLife}},
                                       key_.get(),
                                       own.get(),
                                       stolen->get());
    return made ? *std::move(made) : nullptr;
  }
  // The part of the authority's signature that comes of its nonce alone.
  static std::string NonceMark(const ListenerAuthority& authority) {
    const x509::CertificatePtr own = x509::ReadCertificate(authority.pem());
    const ASN1_BIT_STRING* bits = nullptr;
    X509_get0_signature(&bits, nullptr, own.get());
    const unsigned char* der = ASN1_STRING_get0_data(bits);
    const std::unique_ptr<ECDSA_SIG, void (*)(ECDSA_SIG*)> signature(
        d2i_ECDSA_SIG(nullptr, &der, ASN1_STRING_length(bits)), ECDSA_SIG_free);
    std::array<unsigned char, 32> mark{};
    BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), mark.data(), static_cast<int>(mark.size()));
    return {mark.begin(), mark.end()};
  }
  // What a client says that trusts `authority` and wants `host` at `at`; "ok" or why not.
  static std::string Verify(const ListenerAuthority& authority,
                            X509* certificate,
                            const std::string& host,
                            WallTime at = kNow,
                            int purpose = X509_PURPOSE_SSL_SERVER) {
    const x509::CertificatePtr trusted = x509::ReadCertificate(authority.pem());
    const std::unique_ptr<X509_STORE, void (*)(X509_STORE*)> store(X509_STORE_new(),
                                                                   X509_STORE_free);
    X509_STORE_add_cert(store.get(), trusted.get());
    const std::unique_ptr<X509_STORE_CTX, void (*)(X509_STORE_CTX*)> context(X509_STORE_CTX_new(),
                                                                             X509_STORE_CTX_free);
    X509_STORE_CTX_init(context.get(), store.get(), certificate, nullptr);
    X509_VERIFY_PARAM* const param = X509_STORE_CTX_get0_param(context.get());
    X509_VERIFY_PARAM_set_purpose(param, purpose);
    X509_VERIFY_PARAM_set1_host(param, host.data(), host.size());
    X509_VERIFY_PARAM_set_time(param, std::chrono::system_clock::to_time_t(at));
    return X509_verify_cert(context.get()) == 1
               ? "ok"
               : X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get()));
  }

  std::unique_ptr<ListenerAuthority> authority_ = Make("r");
  x509::KeyPtr key_ = *x509::MakeEcKey();
};

TEST_F(AuthorityTest, IsTheSameOnEveryBroker) {
  EXPECT_EQ(Make("r")->pem(), authority_->pem());
  EXPECT_EQ(Make("r", {"svc.cluster.local", "svc"})->pem(), authority_->pem());
}

TEST_F(AuthorityTest, IsAnotherOneForAnotherRootKey) {
  const auto other = Make("s");

  EXPECT_NE(other->pem(), authority_->pem());
  EXPECT_NE(Verify(*other, Issue(kHost).get(), kHost), "ok");
}

TEST_F(AuthorityTest, IsTrustedForEachRootKeyAndSignsWithTheCurrentOne) {
  const auto before = Make("r");
  const auto announced = Make("rs");
  const auto replaced = Make("sr");
  const auto after = Make("s");

  EXPECT_EQ(announced->pem(), before->pem() + after->pem());
  EXPECT_EQ(replaced->pem(), after->pem() + before->pem());
  EXPECT_EQ(Verify(*before, IssueWith(*announced).get(), kHost), "ok");
  EXPECT_EQ(Verify(*after, IssueWith(*replaced).get(), kHost), "ok");
}

// Two signatures with one nonce give the key away.
TEST_F(AuthorityTest, SignsNoTwoCertificatesWithOneNonce) {
  EXPECT_EQ(NonceMark(*Make("r", {"svc"})), NonceMark(*Make("r", {"svc"})));
  EXPECT_NE(NonceMark(*Make("r", {"svc"})), NonceMark(*Make("r", {"internal"})));
}

TEST_F(AuthorityTest, HasASignatureThatHolds) {
  const x509::CertificatePtr own = x509::ReadCertificate(authority_->pem());

  EXPECT_TRUE(x509::IsSignedBy(own.get(), own.get()));
}

TEST_F(AuthorityTest, IssuesWhatClientsAcceptForTheHost) {
  EXPECT_EQ(Verify(*authority_, Issue(kHost).get(), kHost), "ok");
  EXPECT_EQ(Verify(*authority_, Issue("c-harbor.default.svc").get(), "c-harbor.default.svc"), "ok");
}

TEST_F(AuthorityTest, IssuesForTheHostAloneAndForServersAlone) {
  const x509::CertificatePtr certificate = Issue(kHost);

  EXPECT_THAT(x509::NamesOf(certificate.get()), ElementsAre("DNS:" + kHost));
  EXPECT_EQ(X509_NAME_entry_count(X509_get_subject_name(certificate.get())), 0);
  EXPECT_EQ(Verify(*authority_, certificate.get(), "c-other.default.svc.cluster.local"),
            "hostname mismatch");
  EXPECT_EQ(X509_check_purpose(certificate.get(), X509_PURPOSE_SSL_CLIENT, 0), 0);
  EXPECT_EQ(X509_check_ca(certificate.get()), 0);
}

// Whoever gets at the key cannot use it for other names.
TEST_F(AuthorityTest, IsTrustedBelowItsSuffixesAlone) {
  for (const std::string host : {"registry.example.com", "svc.example.com", "xsvc"}) {
    EXPECT_EQ(Verify(*authority_, Issue(host).get(), host), "permitted subtree violation") << host;
  }
  const x509::CertificatePtr own = x509::ReadCertificate(authority_->pem());
  EXPECT_GE(X509_get_ext_by_NID(own.get(), NID_name_constraints, -1), 0);
  EXPECT_EQ(X509_EXTENSION_get_critical(
                X509_get_ext(own.get(), X509_get_ext_by_NID(own.get(), NID_name_constraints, -1))),
            1);
  EXPECT_EQ(X509_get_pathlen(own.get()), 0);
}

TEST_F(AuthorityTest, IsTrustedForNoAddressAndForServersAlone) {
  EXPECT_EQ(Verify(*authority_, Forge(x509::Purpose::kServer, "DNS:" + kHost).get(), kHost), "ok");
  for (const char* address : {"IP:192.0.2.1", "IP:2001:db8::1"}) {
    EXPECT_EQ(Verify(*authority_, Forge(x509::Purpose::kServer, address).get(), ""),
              "excluded subtree violation")
        << address;
  }
  const x509::CertificatePtr client = Forge(x509::Purpose::kClient, "DNS:" + kHost);
  EXPECT_NE(Verify(*authority_, client.get(), "", kNow, X509_PURPOSE_SSL_CLIENT), "ok");
}

TEST_F(AuthorityTest, IssuesForADayAndForLateClocks) {
  const x509::CertificatePtr certificate = Issue(kHost);

  EXPECT_EQ(Verify(*authority_, certificate.get(), kHost, kNow - kBackdated), "ok");
  EXPECT_EQ(Verify(*authority_, certificate.get(), kHost, kNow - kBackdated * 2),
            "certificate is not yet valid");
  EXPECT_EQ(Verify(*authority_, certificate.get(), kHost, kNow + kCertificateLife * 2),
            "certificate has expired");
  EXPECT_EQ(x509::EndOf(certificate.get()), kNow + kCertificateLife);
}

TEST_F(AuthorityTest, NeverIssuesBeyondItsOwnEnd) {
  const WallTime last_hour = authority_->not_after() - std::chrono::hours(1);

  EXPECT_EQ(x509::EndOf(Issue(kHost, last_hour).get()), authority_->not_after());
}

}  // namespace
}  // namespace connector::broker::listener_authority
