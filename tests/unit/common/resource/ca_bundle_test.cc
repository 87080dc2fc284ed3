#include "common/resource/ca_bundle.h"

#include "tests/support/cpp/ca_pem.h"
#include "tests/support/cpp/result_matchers.h"

#include <gtest/gtest.h>

#include <string>

namespace connector::resource {
namespace {

using ::testing::HasSubstr;
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

}  // namespace
}  // namespace connector::resource
