#include "common/resource/ca_bundle.h"

#include "tests/support/cpp/ca_pem.h"
#include "tests/support/cpp/result_matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace connector::resource {
namespace {

using ::testing::HasSubstr;
using testing_support::HasError;
using testing_support::HasErrorMessage;
using testing_support::HasValue;
using testing_support::MakeCaPem;

TEST(CheckCaBundle, AcceptsSeveralCertificatesAndTextBetweenThem) {
  EXPECT_THAT(CheckCaBundle("# one\n" + MakeCaPem() + "# two\n" + MakeCaPem()), HasValue(Done{}));
}

TEST(CheckCaBundle, RefusesTextWithoutACertificate) {
  EXPECT_THAT(CheckCaBundle(""),
              HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("no certificate")));
  EXPECT_THAT(CheckCaBundle("not PEM"),
              HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("no certificate")));
}

TEST(CheckCaBundle, RefusesADamagedCertificateAfterAGoodOne) {
  const std::string good = MakeCaPem();
  std::string damaged = good;
  damaged[100] = damaged[100] == 'A' ? 'B' : 'A';
  damaged[60] = '!';
  EXPECT_THAT(CheckCaBundle(good + damaged),
              HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("does not parse")));
}

TEST(CheckCaBundle, RefusesACertificateThatIsCutOff) {
  const std::string good = MakeCaPem();
  EXPECT_THAT(CheckCaBundle(good + good.substr(0, good.size() / 2)),
              HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("does not parse")));
}

TEST(CheckCaBundle, RefusesAPrivateKey) {
  EXPECT_THAT(CheckCaBundle(MakeCaPem() + "-----BEGIN PRIVATE KEY-----\n"),
              HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("private key")));
}

TEST(CheckCaBundle, RefusesAnOversizedBundle) {
  EXPECT_THAT(CheckCaBundle(MakeCaPem() + std::string(kMaxCaBundleBytes, '\n')),
              HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("1 MiB")));
}

TEST(ReadConnectorCaBundle, TakesNoMoreThan64KiBAndSaysWhatToDo) {
  const std::string pem = MakeCaPem();
  const std::string largest = pem + std::string(kMaxConnectorCaBundleBytes - pem.size(), '\n');

  EXPECT_TRUE(ReadConnectorCaBundle(largest).has_value());
  EXPECT_THAT(ReadConnectorCaBundle(largest + "\n"),
              HasErrorMessage(ErrorCode::kInvalidArgument,
                              ::testing::AllOf(::testing::HasSubstr("65537 bytes"),
                                               ::testing::HasSubstr("64 KiB"),
                                               ::testing::HasSubstr("keep only"))));
}

TEST(ReadConnectorCaBundle, RefusesWhatIsNoBundle) {
  EXPECT_THAT(ReadConnectorCaBundle("not PEM"), HasError(ErrorCode::kInvalidArgument));
}

TEST(CaBundle, IsEqualByItsDigest) {
  EXPECT_EQ(CaBundle("one"), CaBundle("one"));
  EXPECT_FALSE(CaBundle("one") == CaBundle("two"));
  EXPECT_EQ(CaBundle(""), CaBundle());
}

}  // namespace
}  // namespace connector::resource
