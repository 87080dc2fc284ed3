#include "cli/pki_layout.h"

#include "common/base/encoding.h"
#include "tests/support/cpp/result_matchers.h"
#include "tests/unit/cli/console_fixture.h"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <map>

namespace connector::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using testing_support::HasErrorMessage;

constexpr std::chrono::hours kDay{24};
// Any time will do: 2026-01-01.
const WallTime kNow{std::chrono::seconds(1767225600)};

struct FreeOpenssl {
  void operator()(BIO* p) const { BIO_free(p); }
  void operator()(X509_STORE* p) const { X509_STORE_free(p); }
  void operator()(X509_STORE_CTX* p) const { X509_STORE_CTX_free(p); }
  void operator()(GENERAL_NAMES* p) const { GENERAL_NAMES_free(p); }
  void operator()(BIGNUM* p) const { BN_free(p); }
};
template <typename T>
using Owned = std::unique_ptr<T, FreeOpenssl>;

class Pki : public ::testing::Test {
 protected:
  Pki() {
    Result<std::vector<PkiFile>> files =
        MakePki({{"proxy.example.com"}, {"192.0.2.7"}, {kNow, kNow + 30 * kDay}});
    EXPECT_TRUE(files.has_value());
    for (PkiFile& file : *files) {
      files_.emplace(file.name, std::move(file));
    }
  }

  [[nodiscard]] std::string_view Content(const std::string& name) const {
    return files_.at(name).content.Reveal();
  }

  [[nodiscard]] x509::CertificatePtr Certificate(const std::string& name) const {
    const std::string_view pem = Content(name + ".crt");
    const Owned<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    return x509::CertificatePtr(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  }

  [[nodiscard]] x509::KeyPtr Key(const std::string& name) const {
    const std::string_view pem = Content(name + ".key");
    const Owned<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    return x509::KeyPtr(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
  }

  // What OpenSSL says about the certificate at `when`, for `purpose`.
  [[nodiscard]] int Verify(const std::string& name, int purpose, WallTime when) const {
    const x509::CertificatePtr authority = Certificate("ca");
    const x509::CertificatePtr certificate = Certificate(name);
    const Owned<X509_STORE> store(X509_STORE_new());
    X509_STORE_add_cert(store.get(), authority.get());
    const Owned<X509_STORE_CTX> context(X509_STORE_CTX_new());
    X509_STORE_CTX_init(context.get(), store.get(), certificate.get(), nullptr);
    X509_STORE_CTX_set_purpose(context.get(), purpose);
    X509_VERIFY_PARAM* const parameters = X509_STORE_CTX_get0_param(context.get());
    X509_VERIFY_PARAM_set_time(parameters, std::chrono::system_clock::to_time_t(when));
    X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_X509_STRICT);
    X509_verify_cert(context.get());
    return X509_STORE_CTX_get_error(context.get());
  }

  [[nodiscard]] std::vector<std::string> Names(const std::string& name) const {
    const x509::CertificatePtr certificate = Certificate(name);
    const Owned<GENERAL_NAMES> names(static_cast<GENERAL_NAMES*>(
        X509_get_ext_d2i(certificate.get(), NID_subject_alt_name, nullptr, nullptr)));
    std::vector<std::string> texts;
    for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
      const Owned<BIO> bio(BIO_new(BIO_s_mem()));
      GENERAL_NAME_print(bio.get(), sk_GENERAL_NAME_value(names.get(), i));
      char* data = nullptr;
      const long size = BIO_get_mem_data(bio.get(), &data);
      texts.emplace_back(data, static_cast<std::size_t>(size));
    }
    return texts;
  }

  std::map<std::string, PkiFile> files_;
};

TEST_F(Pki, HoldsExactlyTheFilesOfItsLayoutAndKeepsKeysPrivate) {
  std::map<std::string, mode_t> modes;
  for (const auto& [name, file] : files_) {
    modes[name] = file.mode;
  }
  EXPECT_EQ(modes,
            (std::map<std::string, mode_t>{{"ca.crt", 0644},
                                           {"ca.key", 0600},
                                           {"broker.crt", 0644},
                                           {"broker.key", 0600},
                                           {"dataplane.crt", 0644},
                                           {"dataplane.key", 0600},
                                           {"operator.crt", 0644},
                                           {"operator.key", 0600},
                                           {"listener.crt", 0644},
                                           {"listener.key", 0600},
                                           {"root.key", 0600},
                                           {"issuer.jwk.json", 0600},
                                           {"issuer.jwks.json", 0644}}));
}

TEST_F(Pki, ServersAndClientsVerifyForTheirPurposeAlone) {
  for (const std::string name : {"broker", "listener"}) {
    EXPECT_EQ(Verify(name, X509_PURPOSE_SSL_SERVER, kNow), X509_V_OK) << name;
    EXPECT_EQ(Verify(name, X509_PURPOSE_SSL_CLIENT, kNow), X509_V_ERR_INVALID_PURPOSE) << name;
  }
  for (const std::string name : {"dataplane", "operator"}) {
    EXPECT_EQ(Verify(name, X509_PURPOSE_SSL_CLIENT, kNow), X509_V_OK) << name;
    EXPECT_EQ(Verify(name, X509_PURPOSE_SSL_SERVER, kNow), X509_V_ERR_INVALID_PURPOSE) << name;
  }
}

TEST_F(Pki, IsValidForTheTimeAskedAndNoLonger) {
  EXPECT_EQ(Verify("broker", X509_PURPOSE_SSL_SERVER, kNow + 30 * kDay - std::chrono::minutes(1)),
            X509_V_OK);
  EXPECT_EQ(Verify("broker", X509_PURPOSE_SSL_SERVER, kNow + 31 * kDay),
            X509_V_ERR_CERT_HAS_EXPIRED);
  EXPECT_EQ(Verify("broker", X509_PURPOSE_SSL_SERVER, kNow - kDay), X509_V_ERR_CERT_NOT_YET_VALID);
}

TEST_F(Pki, NamesEachPeer) {
  EXPECT_THAT(Names("broker"),
              ElementsAre("DNS:connector-broker",
                          "DNS:localhost",
                          "IP Address:127.0.0.1",
                          "IP Address:0:0:0:0:0:0:0:1"));
  EXPECT_THAT(Names("dataplane"), ElementsAre("URI:spiffe://oci-connector.local/dataplane"));
  EXPECT_THAT(Names("operator"), ElementsAre("URI:spiffe://oci-connector.local/operator"));
  EXPECT_THAT(Names("listener"),
              ElementsAre("DNS:localhost",
                          "DNS:*.default.svc",
                          "DNS:*.default.svc.local",
                          "DNS:*.default.svc.cluster.local",
                          "IP Address:127.0.0.1",
                          "DNS:proxy.example.com",
                          "IP Address:192.0.2.7"));
}

TEST_F(Pki, LetsOnlyTheAuthoritySignAndNobodyBelowIt) {
  const x509::CertificatePtr authority = Certificate("ca");
  EXPECT_EQ(X509_check_ca(authority.get()), 1);
  EXPECT_EQ(X509_get_pathlen(authority.get()), 0);
  EXPECT_EQ(X509_get_key_usage(authority.get()),
            static_cast<std::uint32_t>(KU_KEY_CERT_SIGN | KU_CRL_SIGN));
  for (const std::string name : {"broker", "listener", "dataplane", "operator"}) {
    const x509::CertificatePtr certificate = Certificate(name);
    EXPECT_EQ(X509_check_ca(certificate.get()), 0) << name;
    EXPECT_EQ(X509_get_key_usage(certificate.get()),
              static_cast<std::uint32_t>(KU_DIGITAL_SIGNATURE))
        << name;
  }
}

TEST_F(Pki, GivesEachCertificateAKeyOfItsOwnAndARandomSerial) {
  std::map<std::string, std::string> seen;
  for (const std::string name : {"ca", "broker", "listener", "dataplane", "operator"}) {
    const x509::KeyPtr key = Key(name);
    const x509::CertificatePtr certificate = Certificate(name);
    EXPECT_EQ(X509_check_private_key(certificate.get(), key.get()), 1) << name;
    EXPECT_EQ(EVP_PKEY_get_bits(key.get()), 256) << name;
    EXPECT_TRUE(seen.emplace(Content(name + ".key"), name).second) << name;
    const Owned<BIGNUM> serial(
        ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate.get()), nullptr));
    EXPECT_GT(BN_num_bits(serial.get()), 64) << name;
    EXPECT_FALSE(BN_is_negative(serial.get())) << name;
  }
}

TEST_F(Pki, HasARootKeyOf32Bytes) {
  EXPECT_THAT(Content("root.key"), SizeIs(kRootKeyBytes));
  const auto other = MakePki({{}, {}, {kNow, kNow + kDay}});
  for (const PkiFile& file : *other) {
    EXPECT_NE(file.content.Reveal(), Content(file.name)) << file.name << " must be random";
  }
}

TEST_F(Pki, PublishesTheIssuersPublicKeyAlone) {
  boost::json::object key = boost::json::parse(Content("issuer.jwk.json")).as_object();
  const boost::json::object set = boost::json::parse(Content("issuer.jwks.json")).as_object();

  EXPECT_EQ(key.at("kty"), "EC");
  EXPECT_EQ(key.at("crv"), "P-256");
  EXPECT_EQ(key.at("alg"), "ES256");
  for (const char* member : {"x", "y", "d"}) {
    EXPECT_THAT(*Base64UrlDecode(std::string_view(key.at(member).as_string())), SizeIs(32))
        << member;
  }
  key.erase("d");
  EXPECT_EQ(set, (boost::json::object{{"keys", boost::json::array{key}}}));
}

TEST_F(Pki, GivesEachDataPlaneThatIsNamedItsOwnCertificate) {
  auto files = MakePki({{}, {}, {kNow, kNow + 30 * kDay}, {"a", "pod-1"}});
  ASSERT_TRUE(files.has_value());
  files_.clear();
  for (PkiFile& file : *files) {
    std::string name = file.name;
    files_.emplace(std::move(name), std::move(file));
  }

  EXPECT_THAT(Names("dataplane-a"), ElementsAre("URI:spiffe://oci-connector.local/dataplane/a"));
  EXPECT_THAT(Names("dataplane-pod-1"),
              ElementsAre("URI:spiffe://oci-connector.local/dataplane/pod-1"));
  EXPECT_EQ(Verify("dataplane-a", X509_PURPOSE_SSL_CLIENT, kNow), X509_V_OK);
  EXPECT_EQ(files_.at("dataplane-a.key").mode, 0600);
}

TEST(MakePki, RefusesADataPlanesNameThatIsNone) {
  for (const char* name : {"", "A", "a/b", "a,DNS:x", "*", "../a"}) {
    EXPECT_THAT(MakePki({{}, {}, {kNow, kNow + kDay}, {name}}),
                HasError(ErrorCode::kInvalidArgument))
        << name;
  }
}

TEST(MakePki, RefusesWhatWouldSlipIntoAnExtension) {
  for (const std::string name :
       {"a,IP:10.0.0.1", "", "*", "*.", "a..b", ".a", "a.", "a b", "*.*.a"}) {
    EXPECT_THAT(MakePki({{name}, {}, {kNow, kNow + kDay}}),
                HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("is not a DNS name")))
        << name;
  }
  for (const std::string address : {"localhost", "1.2.3", "", "::1,DNS:a"}) {
    EXPECT_THAT(MakePki({{}, {address}, {kNow, kNow + kDay}}),
                HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("is not an IP address")))
        << address;
  }
}

class PkiInit : public InDirectory {};

TEST_F(PkiInit, WritesAPrivateDirectory) {
  const Outcome outcome = Connectorctl({"pki", "init", Path("pki"), "--days", "1"});
  EXPECT_EQ(outcome.code, kExitOk) << outcome.err;
  EXPECT_EQ(Mode(Path("pki")), 0700U);
  EXPECT_EQ(Mode(Path("pki/ca.key")), 0600U);
  EXPECT_EQ(Mode(Path("pki/ca.crt")), 0644U);
}

TEST_F(PkiInit, ReplacesKeysOnlyWhenForced) {
  std::filesystem::create_directory(Path("pki"));
  EXPECT_EQ(Connectorctl({"pki", "init", Path("pki")}).code, kExitOk) << "an empty one is fine";
  const std::string key = Read(Path("pki/ca.key"));
  const Outcome refused = Connectorctl({"pki", "init", Path("pki")});
  EXPECT_EQ(refused.code, kExitUsage);
  EXPECT_THAT(refused.err, HasSubstr("is not empty"));
  EXPECT_EQ(Read(Path("pki/ca.key")), key);
  EXPECT_EQ(Connectorctl({"pki", "init", Path("pki"), "--force"}).code, kExitOk);
  EXPECT_NE(Read(Path("pki/ca.key")), key);
}

TEST_F(PkiInit, RefusesDaysOutOfRange) {
  for (const std::string_view days : {"0", "-1", "3651", "x", "1d"}) {
    EXPECT_EQ(Connectorctl({"pki", "init", Path("pki"), "--days", days}).code, kExitUsage) << days;
  }
}

}  // namespace
}  // namespace connector::cli
