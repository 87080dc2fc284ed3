#include "cli/pki_secrets.h"

#include "tests/support/cpp/result_matchers.h"

#include <gmock/gmock.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <memory>

namespace connector::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing_support::HasErrorMessage;

constexpr std::chrono::hours kOneDay{24};
// Any time will do: 2026-01-01.
const WallTime kMadeAt{std::chrono::seconds(1767225600)};

ClusterPki Wanted() {
  return {.prefix = "r", .broker_dns = {"b.ns.svc", "b"}, .listener_dns = {"*.team.svc"}};
}

class Secrets : public ::testing::Test {
 protected:
  Secrets() { Apply(Wanted(), kMadeAt); }

  // Writes what is planned, as `pki cluster` does; "NAME: WHY" of each.
  std::vector<std::string> Apply(const ClusterPki& wanted, WallTime now) {
    Result<std::vector<SecretChange>> changes = PlanSecrets(wanted, present_, now);
    EXPECT_TRUE(changes.has_value());
    std::vector<std::string> told;
    for (SecretChange& change : *changes) {
      told.push_back(change.name + ": " + change.why);
      Data(change.name) = std::move(change.data);
    }
    return told;
  }

  SecretData& Data(const std::string& name) {
    const auto found = std::find_if(present_.begin(), present_.end(), [&](const SecretState& each) {
      return each.name == name;
    });
    return found == present_.end() ? present_.emplace_back(SecretState{name, {}}).data
                                   : found->data;
  }

  x509::CertificatePtr Certificate(const std::string& name) {
    return x509::ReadCertificate(Data(name).at("tls.crt").Reveal());
  }

  std::vector<SecretState> present_;
};

TEST(EmptySecrets, AreFilledTheAuthorityFirst) {
  const Result<std::vector<SecretChange>> changes = PlanSecrets(Wanted(), {}, kMadeAt);
  ASSERT_TRUE(changes.has_value());
  std::vector<std::string> names;
  for (const SecretChange& change : *changes) {
    names.push_back(change.name);
    EXPECT_EQ(change.why, "was empty");
  }
  EXPECT_THAT(names,
              ElementsAre("r-ca",
                          "r-broker-tls",
                          "r-dataplane-tls",
                          "r-controller-tls",
                          "r-operator-tls",
                          "r-listener-tls",
                          "r-root-key"));
  EXPECT_EQ(SecretNames(Wanted()), names);
}

TEST_F(Secrets, ThatAreGoodAreKept) {
  EXPECT_THAT(Apply(Wanted(), kMadeAt + 59 * kOneDay), IsEmpty());
}

TEST_F(Secrets, HaveCertificatesOfTheAuthorityWithTheirNames) {
  const x509::CertificatePtr authority = Certificate("r-ca");
  const auto names_of = [&](const std::string& name) {
    const x509::CertificatePtr certificate = Certificate(name);
    EXPECT_TRUE(x509::IsSignedBy(certificate.get(), authority.get())) << name;
    EXPECT_EQ(x509::EndOf(certificate.get()), kMadeAt + 90 * kOneDay) << name;
    return x509::NamesOf(certificate.get());
  };
  EXPECT_THAT(names_of("r-broker-tls"), ElementsAre("DNS:b", "DNS:b.ns.svc"));
  EXPECT_THAT(names_of("r-dataplane-tls"),
              ElementsAre("URI:spiffe://oci-connector.local/dataplane"));
  EXPECT_THAT(names_of("r-controller-tls"),
              ElementsAre("URI:spiffe://oci-connector.local/controller"));
  EXPECT_THAT(names_of("r-operator-tls"), ElementsAre("URI:spiffe://oci-connector.local/operator"));
  EXPECT_THAT(names_of("r-listener-tls"), ElementsAre("DNS:*.team.svc"));
}

TEST_F(Secrets, AreRenewedBeforeTheyEndWithAnotherKey) {
  const std::string key(Data("r-broker-tls").at("tls.key").Reveal());
  EXPECT_THAT(Apply(Wanted(), kMadeAt + 61 * kOneDay),
              ElementsAre("r-broker-tls: its end was near",
                          "r-dataplane-tls: its end was near",
                          "r-controller-tls: its end was near",
                          "r-operator-tls: its end was near",
                          "r-listener-tls: its end was near"));
  EXPECT_NE(Data("r-broker-tls").at("tls.key").Reveal(), key);
}

TEST_F(Secrets, FollowTheNamesThatAreWanted) {
  ClusterPki wanted = Wanted();
  wanted.broker_dns.push_back("c");
  EXPECT_THAT(Apply(wanted, kMadeAt), ElementsAre("r-broker-tls: had other names"));
}

TEST_F(Secrets, ThatWereEmptiedAreFilledAnew) {
  Data("r-dataplane-tls").clear();
  EXPECT_THAT(Apply(Wanted(), kMadeAt), ElementsAre("r-dataplane-tls: was empty"));
}

TEST_F(Secrets, OfAnotherAuthorityAreReplaced) {
  Data("r-ca").clear();
  EXPECT_THAT(Apply(Wanted(), kMadeAt),
              ElementsAre("r-ca: was empty",
                          "r-broker-tls: was of another authority",
                          "r-dataplane-tls: was of another authority",
                          "r-controller-tls: was of another authority",
                          "r-operator-tls: was of another authority",
                          "r-listener-tls: was of another authority"));
}

TEST_F(Secrets, WithAnotherKeyAreReplaced) {
  Data("r-broker-tls").at("tls.key") = Data("r-dataplane-tls").at("tls.key").Clone();
  EXPECT_THAT(Apply(Wanted(), kMadeAt),
              ElementsAre("r-broker-tls: was not a certificate and its key"));
}

// Whether who trusts the ca.crt of `by` accepts the certificate of `shown` at `when`.
bool Trusts(const SecretData& by, const SecretData& shown, WallTime when) {
  const std::string_view bundle = by.at("ca.crt").Reveal();
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(
      BIO_new_mem_buf(bundle.data(), static_cast<int>(bundle.size())), BIO_free);
  const std::unique_ptr<X509_STORE, decltype(&X509_STORE_free)> store(X509_STORE_new(),
                                                                      X509_STORE_free);
  while (X509* const trusted = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    X509_STORE_add_cert(store.get(), trusted);
    X509_free(trusted);
  }
  const x509::CertificatePtr certificate = x509::ReadCertificate(shown.at("tls.crt").Reveal());
  const std::unique_ptr<X509_STORE_CTX, decltype(&X509_STORE_CTX_free)> context(
      X509_STORE_CTX_new(), X509_STORE_CTX_free);
  X509_STORE_CTX_init(context.get(), store.get(), certificate.get(), nullptr);
  X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(context.get()),
                             std::chrono::system_clock::to_time_t(when));
  return X509_verify_cert(context.get()) == 1;
}

SecretData CopyOf(const SecretData& data) {
  SecretData copy;
  for (const auto& [key, value] : data) {
    copy.emplace(key, value.Clone());
  }
  return copy;
}

TEST_F(Secrets, ChangeTheAuthoritysKeyWhilePeersTrustEachOther) {
  Apply(Wanted(), kMadeAt + 3460 * kOneDay);
  WallTime now = kMadeAt + 3480 * kOneDay;
  const std::string old_key(Data("r-ca").at("tls.key").Reveal());

  // The next one is trusted, and signs nothing.
  const SecretData before = CopyOf(Data("r-broker-tls"));
  EXPECT_THAT(Apply(Wanted(), now),
              ElementsAre("r-ca: its end was near: the next one follows",
                          "r-broker-tls: trusts what the authority's Secret says",
                          "r-dataplane-tls: trusts what the authority's Secret says",
                          "r-controller-tls: trusts what the authority's Secret says",
                          "r-operator-tls: trusts what the authority's Secret says",
                          "r-listener-tls: trusts what the authority's Secret says"));
  EXPECT_EQ(Data("r-broker-tls").at("tls.key").Reveal(), before.at("tls.key").Reveal());
  EXPECT_TRUE(Trusts(before, Data("r-dataplane-tls"), now)) << "a pod that has read nothing yet";
  EXPECT_THAT(Apply(Wanted(), now + std::chrono::hours(12)), IsEmpty());

  // A day later it signs; pods that have not read that yet trust it already.
  now += kOneDay;
  const SecretData announced = CopyOf(Data("r-broker-tls"));
  const std::vector<std::string> told = Apply(Wanted(), now);
  EXPECT_EQ(told.front(), "r-ca: the next one is trusted everywhere, and signs from now on");
  EXPECT_EQ(told.size(), 6U);
  EXPECT_NE(Data("r-ca").at("tls.key").Reveal(), old_key);
  EXPECT_EQ(Data("r-ca").count("next.key"), 0U);
  EXPECT_TRUE(Trusts(announced, Data("r-dataplane-tls"), now));
  EXPECT_TRUE(Trusts(Data("r-dataplane-tls"), announced, now));

  // The one before goes once nobody shows anything of it.
  const SecretData signed_anew = CopyOf(Data("r-broker-tls"));
  now += 3 * kOneDay;
  EXPECT_EQ(Apply(Wanted(), now).front(), "r-ca: nothing of the one before is in use any more");
  EXPECT_FALSE(Trusts(Data("r-dataplane-tls"), announced, now));
  EXPECT_TRUE(Trusts(Data("r-dataplane-tls"), signed_anew, now));
  EXPECT_EQ(Data("r-broker-tls").at("tls.key").Reveal(), signed_anew.at("tls.key").Reveal());
  EXPECT_THAT(Apply(Wanted(), now + kOneDay), IsEmpty());
}

TEST_F(Secrets, OfANextAuthorityThatCannotBeReadAreMadeAnew) {
  const WallTime now = kMadeAt + 3480 * kOneDay;
  Apply(Wanted(), now);
  Data("r-ca").at("next.key") = Secret("not PEM");
  EXPECT_EQ(Apply(Wanted(), now + 2 * kOneDay).front(),
            "r-ca: its end was near: the next one follows");
}

TEST_F(Secrets, OfAnAuthorityThatCannotBeReadAreLeftAlone) {
  Data("r-ca").at("tls.crt") = Secret("not PEM");
  EXPECT_THAT(PlanSecrets(Wanted(), present_, kMadeAt),
              HasErrorMessage(
                  ErrorCode::kInvalidArgument,
                  "Secret r-ca: tls.crt and tls.key are not a certificate and its key in PEM; put "
                  "right what is there, or take all data out of it to have it made anew"));
}

TEST_F(Secrets, WithAKeyThatIsNotTheAuthoritysAreLeftAlone) {
  Data("r-ca").at("tls.key") = Data("r-dataplane-tls").at("tls.key").Clone();
  EXPECT_FALSE(PlanSecrets(Wanted(), present_, kMadeAt).has_value());
}

TEST_F(Secrets, HoldARootKeyThatIsNeverReplaced) {
  EXPECT_EQ(Data("r-root-key").at("root.key").Reveal().size(), 32U);
  Data("r-root-key").at("root.key") = Secret("short");
  EXPECT_THAT(
      PlanSecrets(Wanted(), present_, kMadeAt),
      HasErrorMessage(ErrorCode::kInvalidArgument,
                      "Secret r-root-key: root.key is missing or shorter than 32 bytes; put "
                      "right what is there, or take all data out of it to have it made "
                      "anew"));
}

TEST(TheRootKeyAlone, IsMadeWhereSomebodyElseMakesCertificates) {
  ClusterPki wanted = Wanted();
  wanted.root_key_only = true;
  const Result<std::vector<SecretChange>> changes = PlanSecrets(wanted, {}, kMadeAt);
  ASSERT_TRUE(changes.has_value());
  ASSERT_EQ(changes->size(), 1U);
  EXPECT_EQ(changes->front().name, "r-root-key");
  EXPECT_THAT(SecretNames(wanted), ElementsAre("r-root-key"));
}

}  // namespace
}  // namespace connector::cli
