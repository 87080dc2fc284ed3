#include "broker/api/listener_certificate_handler.h"

#include "common/log/log.h"
#include "common/routing/connector_host.h"
#include "common/x509/x509_certificates.h"
#include "tests/support/cpp/fake_audit_log.h"
#include "tests/support/cpp/fake_clock.h"
#include "tests/support/cpp/result_matchers.h"
#include "tests/support/cpp/root_keys.h"
#include "tests/support/cpp/run_task.h"
#include "tests/unit/broker/api/fakes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

namespace connector::broker::api {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing_support::HasError;
using testing_support::RunTask;

const std::string kHarborHost = "c-harbor.default.svc";
const std::string kServiceHost = "oci-dataplane.oci.svc";

class ListenerCertificateTest : public ::testing::Test {
 protected:
  ListenerCertificateTest() {
    catalog_.Replace(SnapshotOf({EntryOf(HarborConnector("default", "harbor", {}))}));
  }
  Result<v1::IssueListenerCertificateResponse> Issue(const std::string& host,
                                                     const std::string& proof) {
    v1::IssueListenerCertificateRequest request;
    request.set_host(host);
    request.set_certificate_request(proof);
    return RunTask(handler_.Issue(request, "dataplane"));
  }
  Result<v1::IssueListenerCertificateResponse> Issue(const std::string& host) {
    return Issue(host, *x509::MakeKeyProof(key_.get()));
  }
  static std::vector<std::string> NamesOf(
      const Result<v1::IssueListenerCertificateResponse>& response) {
    const x509::CertificatePtr certificate =
        x509::ReadCertificateDer(response ? response->certificate() : "");
    return certificate == nullptr ? std::vector<std::string>{} : x509::NamesOf(certificate.get());
  }

  connectors::Catalog catalog_;
  testing_support::FakeAuditLog audit_;
  testing_support::FakeClock clock_;
  log::Logger log_{2, "test", log::Level::kError};
  x509::KeyPtr key_ = *x509::MakeEcKey();
  const listener_authority::ListenerAuthorityOptions options_{
      routing::CertifiedSuffixes({"corp.example.com"}), {kServiceHost}};
  std::shared_ptr<const listener_authority::ListenerAuthority> authority_ =
      *listener_authority::ListenerAuthority::Make(testing_support::MakeRootKeys("r"),
                                                   options_.certified_suffixes);
  std::vector<CertificateOutcome> outcomes_;
  ListenerCertificateHandler handler_{
      {authority_,
       options_,
       &catalog_,
       &audit_,
       &clock_,
       &log_,
       [this](CertificateOutcome outcome) { outcomes_.push_back(outcome); }}};
};

TEST_F(ListenerCertificateTest, IsIssuedForTheKeyAndTheHostOfAConnector) {
  const auto response = Issue(kHarborHost);

  EXPECT_THAT(NamesOf(response), ElementsAre("DNS:" + kHarborHost));
  const x509::CertificatePtr certificate = x509::ReadCertificateDer(response->certificate());
  EXPECT_TRUE(x509::IsKeyOf(certificate.get(), key_.get()));
  EXPECT_THAT(outcomes_, ElementsAre(CertificateOutcome::kIssued));
}

TEST_F(ListenerCertificateTest, IsIssuedUnderEachNameThatUsersAreTold) {
  for (const std::string& suffix : options_.certified_suffixes) {
    const std::string host = "c-harbor.default." + suffix;
    EXPECT_THAT(NamesOf(Issue(host)), ElementsAre("DNS:" + host));
  }
}

TEST_F(ListenerCertificateTest, IsOfTheNewAuthorityOnceARootKeyWasReplaced) {
  const auto replaced = testing_support::MakeRootKeys("sr");
  handler_.UseAuthority(
      *listener_authority::ListenerAuthority::Make(replaced, options_.certified_suffixes));

  const x509::CertificatePtr authority = x509::ReadCertificate(handler_.Authority().ca_pem());
  const auto response = Issue(kHarborHost);
  const x509::CertificatePtr certificate =
      x509::ReadCertificateDer(response ? response->certificate() : "");
  EXPECT_TRUE(x509::IsSignedBy(certificate.get(), authority.get()));
  EXPECT_THAT(handler_.Authority().ca_pem(), ::testing::EndsWith(authority_->pem()));
}

TEST_F(ListenerCertificateTest, IsIssuedForTheDataPlanesService) {
  EXPECT_THAT(NamesOf(Issue(kServiceHost)), ElementsAre("DNS:" + kServiceHost));
}

TEST_F(ListenerCertificateTest, IsRefusedForAHostOfNoConnector) {
  for (const std::string host : {"c-absent.default.svc",
                                 "c-harbor.default.example.com",
                                 "c-harbor.default.svc.corp.internal",
                                 "other-dataplane.oci.svc",
                                 "C-HARBOR.default.svc",
                                 "c-harbor.default.svc:443",
                                 "c-harbor.default.svc.",
                                 "*.default.svc",
                                 ""}) {
    EXPECT_THAT(Issue(host), HasError(ErrorCode::kNotFound)) << host;
  }
}

TEST_F(ListenerCertificateTest, IsRefusedOnceTheConnectorIsGone) {
  catalog_.Replace(SnapshotOf({}));

  EXPECT_THAT(Issue(kHarborHost), HasError(ErrorCode::kNotFound));
}

// A request that asks for more gets what it is due.
TEST_F(ListenerCertificateTest, TakesNothingButTheKeyFromTheRequest) {
  const std::unique_ptr<X509_REQ, void (*)(X509_REQ*)> request(X509_REQ_new(), X509_REQ_free);
  X509_REQ_set_pubkey(request.get(), key_.get());
  X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(request.get()),
                             "CN",
                             MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("c-other.default.svc"),
                             -1,
                             -1,
                             0);
  STACK_OF(X509_EXTENSION)* extensions = sk_X509_EXTENSION_new_null();
  for (const auto& [nid, value] : {std::pair{NID_subject_alt_name, "DNS:c-other.default.svc"},
                                   std::pair{NID_basic_constraints, "critical,CA:TRUE"}}) {
    sk_X509_EXTENSION_push(extensions, X509V3_EXT_conf_nid(nullptr, nullptr, nid, value));
  }
  X509_REQ_add_extensions(request.get(), extensions);
  sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
  X509_REQ_sign(request.get(), key_.get(), EVP_sha256());
  unsigned char* der = nullptr;
  const int size = i2d_X509_REQ(request.get(), &der);
  const std::string proof(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);

  const auto response = Issue(kHarborHost, proof);

  EXPECT_THAT(NamesOf(response), ElementsAre("DNS:" + kHarborHost));
  const x509::CertificatePtr certificate = x509::ReadCertificateDer(response->certificate());
  EXPECT_EQ(X509_NAME_entry_count(X509_get_subject_name(certificate.get())), 0);
  EXPECT_EQ(X509_check_ca(certificate.get()), 0);
}

TEST_F(ListenerCertificateTest, IsRefusedWithoutAProofOfTheKey) {
  EXPECT_THAT(Issue(kHarborHost, "no request"), HasError(ErrorCode::kInvalidArgument));
  EXPECT_THAT(Issue(kHarborHost, std::string(kMaxCertificateRequestBytes + 1, 'x')),
              HasError(ErrorCode::kInvalidArgument));
}

TEST_F(ListenerCertificateTest, IsOnRecordBeforeItLeaves) {
  ASSERT_TRUE(Issue(kHarborHost).has_value());

  ASSERT_EQ(audit_.events().size(), 1U);
  const auditlog::Event event = audit_.events().front();
  EXPECT_TRUE(event.allowed);
  EXPECT_EQ(event.peer, "dataplane");
  EXPECT_EQ(event.connector, "default/harbor");
  EXPECT_EQ(event.scopes, "listener:" + kHarborHost);
  EXPECT_EQ(event.not_after, clock_.Now() + listener_authority::kCertificateLife);
}

TEST_F(ListenerCertificateTest, DoesNotLeaveWithoutARecord) {
  audit_.SetBroken(true);

  EXPECT_THAT(Issue(kHarborHost), HasError(ErrorCode::kUnavailable));
  EXPECT_THAT(outcomes_, ElementsAre(CertificateOutcome::kFailed));
}

TEST_F(ListenerCertificateTest, ARefusalIsOnRecord) {
  ASSERT_FALSE(Issue("c-absent.default.svc").has_value());

  ASSERT_EQ(audit_.events().size(), 1U);
  EXPECT_FALSE(audit_.events().front().allowed);
  EXPECT_EQ(audit_.events().front().reason, "CONNECTOR_NOT_FOUND");
  EXPECT_THAT(outcomes_, ElementsAre(CertificateOutcome::kRefused));
}

TEST_F(ListenerCertificateTest, APeerThatAsksTooOftenWaits) {
  v1::IssueListenerCertificateRequest request;
  request.set_host("c-absent.default.svc");
  bool limited = false;
  for (int i = 0; i < 2 * static_cast<int>(kCertificatesBurst) && !limited; ++i) {
    limited =
        RunTask(handler_.Issue(request, "greedy")).error().code == ErrorCode::kResourceExhausted;
  }

  EXPECT_TRUE(limited);
  EXPECT_TRUE(Issue(kHarborHost).has_value()) << "of another peer";
}

}  // namespace
}  // namespace connector::broker::api
