#include "broker/callers/local/local_verifier.h"

#include "common/jose/jwk_set.h"
#include "tests/contract/broker/callers/hostile_tokens.h"
#include "tests/contract/broker/callers/manual_clock.h"
#include "tests/contract/broker/callers/temp_file.h"
#include "tests/contract/broker/callers/verify_now.h"
#include "tests/support/cpp/result_matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <vector>

namespace connector::broker::callers {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing_support::HasError;
using testing_support::HasErrorMessage;
using testing_support::ManualClock;
using testing_support::SigningKey;
using testing_support::TempFile;
using namespace std::chrono_literals;

std::string JwksOf(const SigningKey& key) {
  return testing_support::Jwks({key.PublicJwk(testing_support::kTestKid)});
}

class LocalVerifierTest : public ::testing::Test {
 protected:
  bool Accepts(const SigningKey& key) {
    return VerifyNow(*verifier_, testing_support::GoodToken(key, clock_.Seconds())).has_value();
  }
  [[nodiscard]] LocalOptions Options() {
    return {testing_support::kTestIssuer,
            testing_support::kTestAudience,
            file_.path(),
            [this](const KeyRefresh& refresh) { refreshes_.push_back(refresh); },
            true};
  }

  ManualClock clock_;
  SigningKey old_key_ = SigningKey::Ec();
  SigningKey new_key_ = SigningKey::Ec();
  TempFile file_{JwksOf(old_key_)};
  std::vector<KeyRefresh> refreshes_;
  std::unique_ptr<CallerVerifier> verifier_ = *MakeLocalVerifier(Options(), clock_);
};

TEST_F(LocalVerifierTest, ReadsAReplacedFileAfterASecond) {
  file_.Write(JwksOf(new_key_));
  EXPECT_TRUE(Accepts(old_key_)) << "looked at the file before a second had passed";

  clock_.Advance(1s);

  EXPECT_TRUE(Accepts(new_key_));
  EXPECT_FALSE(Accepts(old_key_));
  ASSERT_EQ(refreshes_.size(), 1U);
  EXPECT_TRUE(refreshes_[0].ok);
  EXPECT_EQ(refreshes_[0].issuer, testing_support::kTestIssuer);
}

TEST_F(LocalVerifierTest, ReadsAFileThatWasWrittenOver) {
  std::ofstream(file_.path(), std::ios::trunc) << JwksOf(new_key_) << "\n";

  clock_.Advance(1s);

  EXPECT_TRUE(Accepts(new_key_));
}

TEST_F(LocalVerifierTest, KeepsItsKeysWhenTheFileIsNoneOrWrong) {
  file_.Write("{");
  clock_.Advance(1s);
  EXPECT_TRUE(Accepts(old_key_));
  ASSERT_EQ(refreshes_.size(), 1U);
  EXPECT_FALSE(refreshes_[0].ok);
  EXPECT_THAT(refreshes_[0].message, HasSubstr(file_.path()));

  file_.Remove();
  clock_.Advance(1s);
  EXPECT_TRUE(Accepts(old_key_));

  file_.Write(JwksOf(new_key_));
  clock_.Advance(1s);
  EXPECT_TRUE(Accepts(new_key_));
}

TEST_F(LocalVerifierTest, ReportsABrokenFileOnce) {
  file_.Write("{");
  for (int i = 0; i < 3; ++i) {
    clock_.Advance(1s);
    EXPECT_TRUE(Accepts(old_key_));
  }
  EXPECT_EQ(refreshes_.size(), 1U);
}

TEST_F(LocalVerifierTest, LeavesAnUnchangedFileAlone) {
  clock_.Advance(5s);
  EXPECT_TRUE(Accepts(old_key_));
  EXPECT_THAT(refreshes_, IsEmpty());
}

TEST_F(LocalVerifierTest, TakesOtherSubjectsThanServiceAccounts) {
  const auto payload = testing_support::GoodPayload(clock_.Seconds()).Set("sub", "\"jo\"").Json();

  const auto caller = VerifyNow(
      *verifier_,
      testing_support::Forge(
          old_key_, "ES256", testing_support::Header("ES256", testing_support::kTestKid), payload));

  ASSERT_TRUE(caller) << caller.error().message;
  EXPECT_EQ(caller->service_account, std::nullopt);
  EXPECT_EQ(caller->Name(), "https://issuer.example#jo");
}

TEST_F(LocalVerifierTest, NamesAccountsOfTheOwnClusterOnlyWhereItIsThat) {
  LocalOptions options = Options();
  options.own_cluster = false;
  verifier_ = *MakeLocalVerifier(options, clock_);

  const auto caller = VerifyNow(*verifier_, testing_support::GoodToken(old_key_, clock_.Seconds()));

  ASSERT_TRUE(caller) << caller.error().message;
  EXPECT_EQ(caller->service_account, std::nullopt);
  EXPECT_EQ(caller->other_cluster_account, (ServiceAccount{"ci", "builder"}));
}

TEST_F(LocalVerifierTest, IsNotMadeFromWhatCannotWork) {
  LocalOptions no_issuer = Options();
  no_issuer.issuer.clear();
  LocalOptions no_audience = Options();
  no_audience.audience.clear();
  LocalOptions no_file = Options();
  no_file.jwks_file += ".none";
  TempFile broken("{}");
  LocalOptions broken_file = Options();
  broken_file.jwks_file = broken.path();
  TempFile large(JwksOf(old_key_) + std::string(jose::kMaxJwksBytes, ' '));
  LocalOptions large_file = Options();
  large_file.jwks_file = large.path();

  EXPECT_THAT(MakeLocalVerifier(no_issuer, clock_), HasError(ErrorCode::kInvalidArgument));
  EXPECT_THAT(MakeLocalVerifier(no_audience, clock_), HasError(ErrorCode::kInvalidArgument));
  EXPECT_THAT(MakeLocalVerifier(no_file, clock_),
              HasErrorMessage(ErrorCode::kNotFound, HasSubstr(no_file.jwks_file)));
  EXPECT_THAT(MakeLocalVerifier(broken_file, clock_),
              HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr(broken.path())));
  EXPECT_THAT(MakeLocalVerifier(large_file, clock_),
              HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("256 KiB")));
}

}  // namespace
}  // namespace connector::broker::callers
