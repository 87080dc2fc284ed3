#include "common/crypto/certificates.h"

#include "tests/support/cpp/ca_pem.h"
#include "tests/support/cpp/result_matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/x509.h>

namespace connector::crypto {
namespace {

using testing_support::HasError;
using testing_support::HasValue;
using testing_support::MakeCaPem;

TEST(ParseCertificates, ReadsAllOfThemAndLeavesTheirKeysAsTheyCame) {
  const auto found = ParseCertificates("One:\n" + MakeCaPem() + "Another:\n" + MakeCaPem());

  ASSERT_THAT(found, HasValue(::testing::SizeIs(2)));
  for (const Certificate& certificate : *found) {
    EXPECT_NE(X509_get_subject_name(certificate.get()), nullptr);
    EXPECT_EQ(X509_get0_pubkey(certificate.get()), nullptr);
  }
  ERR_clear_error();
}

TEST(ParseCertificates, FindsNoneInOtherText) {
  EXPECT_THAT(ParseCertificates("hello"), HasValue(::testing::IsEmpty()));
}

TEST(ParseCertificates, RefusesOneThatIsCutOff) {
  const std::string pem = MakeCaPem();

  EXPECT_THAT(ParseCertificates(pem + pem.substr(0, pem.size() / 2)),
              HasError(ErrorCode::kInvalidArgument));
}

TEST(ParseCertificates, LeavesNoErrorBehind) {
  ASSERT_TRUE(ParseCertificates(MakeCaPem()));

  EXPECT_EQ(ERR_peek_error(), 0U);
}

}  // namespace
}  // namespace connector::crypto
