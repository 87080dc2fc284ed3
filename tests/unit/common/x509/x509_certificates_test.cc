#include "common/x509/x509_certificates.h"

#include "tests/support/cpp/result_matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <string>

namespace connector::x509 {
namespace {

using ::testing::HasSubstr;
using testing_support::HasErrorMessage;

std::string ProofOf(EVP_PKEY* key, EVP_PKEY* signer) {
  const std::unique_ptr<X509_REQ, void (*)(X509_REQ*)> request(X509_REQ_new(), X509_REQ_free);
  X509_REQ_set_version(request.get(), X509_REQ_VERSION_1);
  X509_REQ_set_pubkey(request.get(), key);
  X509_REQ_sign(request.get(), signer, EVP_sha256());
  unsigned char* der = nullptr;
  const int size = i2d_X509_REQ(request.get(), &der);
  std::string out(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return out;
}

TEST(ReadKeyProof, GivesTheKeyThatMadeIt) {
  const KeyPtr key = *MakeEcKey();
  const Result<KeyPtr> read = ReadKeyProof(*MakeKeyProof(key.get()));

  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(EVP_PKEY_eq(read->get(), key.get()), 1);
}

TEST(ReadKeyProof, RefusesAKeyThatDidNotSign) {
  const KeyPtr mine = *MakeEcKey();
  const KeyPtr stolen = *MakeEcKey();

  EXPECT_THAT(ReadKeyProof(ProofOf(stolen.get(), mine.get())),
              HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("not signed by its own key")));
}

TEST(ReadKeyProof, RefusesOtherKindsOfKeys) {
  const KeyPtr rsa(EVP_RSA_gen(2048));
  const KeyPtr larger(EVP_EC_gen("P-384"));

  for (EVP_PKEY* key : {rsa.get(), larger.get()}) {
    EXPECT_THAT(ReadKeyProof(ProofOf(key, key)),
                HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("P-256")));
  }
}

TEST(ReadKeyProof, RefusesWhatIsNoRequest) {
  EXPECT_THAT(ReadKeyProof("not DER"),
              HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("PKCS#10")));
}

}  // namespace
}  // namespace connector::x509
