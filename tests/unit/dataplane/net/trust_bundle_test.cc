#include "dataplane/net/trust_bundle.h"

#include "tests/support/cpp/result_matchers.h"
#include "tests/support/cpp/test_ca.h"

#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace connector::dataplane::net {
namespace {

using testing_support::HasError;
using testing_support::HasValue;
using testing_support::TestCa;

using Store = std::unique_ptr<X509_STORE, decltype(&X509_STORE_free)>;
using CertificatePtr = std::unique_ptr<X509, decltype(&X509_free)>;

Store MakeStore(const std::string& pem) {
  Store store(X509_STORE_new(), &X509_STORE_free);
  EXPECT_THAT(TrustBundle(store.get(), pem), HasValue(Done{}));
  return store;
}

CertificatePtr Read(const std::string& pem) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
  return {PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), &X509_free};
}

bool Trusts(X509_STORE* store, const std::string& certificate_pem) {
  const CertificatePtr certificate = Read(certificate_pem);
  const std::unique_ptr<X509_STORE_CTX, decltype(&X509_STORE_CTX_free)> context(
      X509_STORE_CTX_new(), &X509_STORE_CTX_free);
  X509_STORE_CTX_init(context.get(), store, certificate.get(), nullptr);
  return X509_verify_cert(context.get()) == 1;
}

TEST(TrustBundle, TrustsWhatEachOfItsCertificatesSigned) {
  const TestCa first;
  const TestCa second;  // Of the same name.
  const TestCa stranger;
  const Store store = MakeStore("The first:\n" + first.pem() + second.pem());

  EXPECT_TRUE(Trusts(store.get(), first.Issue().certificate_pem));
  EXPECT_TRUE(Trusts(store.get(), second.Issue().certificate_pem));
  EXPECT_TRUE(Trusts(store.get(), second.Issue().certificate_pem)) << "and again";
  EXPECT_FALSE(Trusts(store.get(), stranger.Issue().certificate_pem));
}

TEST(TrustBundle, TrustsACertificateThatNobodySignedButItself) {
  const TestCa ca;

  EXPECT_TRUE(Trusts(MakeStore(ca.pem()).get(), ca.pem()));
  EXPECT_FALSE(Trusts(MakeStore(TestCa().pem()).get(), ca.pem()));
}

TEST(TrustBundle, TrustsACaWhoseNameTheStoreKnowsOfAnother) {
  const TestCa of_the_system;
  const TestCa of_the_bundle;
  Store store(X509_STORE_new(), &X509_STORE_free);
  X509_STORE_add_cert(store.get(), Read(of_the_system.pem()).get());

  ASSERT_THAT(TrustBundle(store.get(), of_the_bundle.pem()), HasValue(Done{}));

  EXPECT_TRUE(Trusts(store.get(), of_the_bundle.Issue().certificate_pem));
  EXPECT_TRUE(Trusts(store.get(), of_the_system.Issue().certificate_pem));
}

// A key that nobody asks for costs nothing.
TEST(TrustBundle, HoldsOnlyTheCertificatesThatAConnectionNeeded) {
  const TestCa ca;
  const Store store = MakeStore(ca.pem());
  EXPECT_EQ(sk_X509_OBJECT_num(X509_STORE_get0_objects(store.get())), 0);

  ASSERT_TRUE(Trusts(store.get(), ca.Issue().certificate_pem));

  EXPECT_EQ(sk_X509_OBJECT_num(X509_STORE_get0_objects(store.get())), 1);
}

TEST(TrustBundle, ServesConnectionsOfSeveralThreads) {
  const TestCa ca;
  const std::string certificate = ca.Issue().certificate_pem;
  for (int round = 0; round < 20; ++round) {
    const Store store = MakeStore(ca.pem());
    std::atomic<int> trusted = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] { trusted += Trusts(store.get(), certificate) ? 1 : 0; });
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
    EXPECT_EQ(trusted, 4);
  }
}

TEST(TrustBundle, RefusesWhatHoldsNoCertificateOrABrokenOne) {
  const Store store(X509_STORE_new(), &X509_STORE_free);
  const std::string good = TestCa().pem();

  EXPECT_THAT(TrustBundle(store.get(), "no PEM"), HasError(ErrorCode::kInvalidArgument));
  EXPECT_THAT(TrustBundle(store.get(), good + good.substr(0, good.size() / 2)),
              HasError(ErrorCode::kInvalidArgument));
}

}  // namespace
}  // namespace connector::dataplane::net
