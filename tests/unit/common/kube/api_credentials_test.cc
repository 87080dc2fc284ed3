#include "common/kube/api_credentials.h"

#include "tests/support/cpp/result_matchers.h"
#include "tests/support/cpp/scratch_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace connector::kube {
namespace {

using ::testing::HasSubstr;
using testing_support::HasErrorMessage;
using testing_support::ReplaceFile;
using testing_support::ScratchDir;

const ApiCredentials::Time kNow{std::chrono::hours(1)};

class CredentialsOf : public ::testing::Test {
 protected:
  ClusterConnection Files() const {
    ClusterConnection settings;
    settings.token_file = dir_ / "token";
    settings.ca_file = dir_ / "ca.crt";
    return settings;
  }
  static std::string TokenAt(ApiCredentials& credentials, ApiCredentials::Time now) {
    const Result<Secret> token = credentials.Token(now);
    return token ? std::string(token->Reveal()) : token.error().message;
  }

  const ScratchDir dir_;
};

TEST_F(CredentialsOf, ReadsATokenAgainBeforeItIsAMinuteOld) {
  ReplaceFile(dir_ / "token", "first\n");
  ApiCredentials credentials(Files());
  EXPECT_EQ(TokenAt(credentials, kNow), "first");

  ReplaceFile(dir_ / "token", "second\n");

  EXPECT_EQ(TokenAt(credentials, kNow + std::chrono::seconds(1)), "first");
  EXPECT_EQ(TokenAt(credentials, kNow + std::chrono::seconds(59)), "second");
}

TEST_F(CredentialsOf, KeepsATokenWhoseFileIsGone) {
  ReplaceFile(dir_ / "token", "first");
  ApiCredentials credentials(Files());
  EXPECT_EQ(TokenAt(credentials, kNow), "first");

  std::filesystem::remove(dir_ / "token");

  EXPECT_EQ(TokenAt(credentials, kNow + std::chrono::minutes(2)), "first");
}

TEST_F(CredentialsOf, SayWhichTokenFileIsMissingOrEmpty) {
  ApiCredentials missing(Files());
  EXPECT_THAT(missing.Token(kNow), HasErrorMessage(ErrorCode::kUnavailable, HasSubstr("token: ")));

  ReplaceFile(dir_ / "token", " \n");
  ApiCredentials empty(Files());
  EXPECT_THAT(empty.Token(kNow), HasErrorMessage(ErrorCode::kUnavailable, HasSubstr("is empty")));
}

TEST_F(CredentialsOf, KnowWhetherARefusedTokenWasReplaced) {
  ReplaceFile(dir_ / "token", "first");
  ApiCredentials credentials(Files());
  const Result<Secret> refused = credentials.Token(kNow);

  EXPECT_FALSE(credentials.Replaced(*refused, kNow));
  ReplaceFile(dir_ / "token", "second");
  EXPECT_TRUE(credentials.Replaced(*refused, kNow));
  EXPECT_EQ(TokenAt(credentials, kNow), "second");
}

TEST_F(CredentialsOf, NeverReplaceATokenThatIsNotInAFile) {
  ClusterConnection settings;
  settings.token = Secret("fixed");
  ApiCredentials credentials(std::move(settings));

  EXPECT_FALSE(credentials.Replaced(Secret("fixed"), kNow));
  EXPECT_EQ(TokenAt(credentials, kNow), "fixed");
}

TEST_F(CredentialsOf, ReadTheCaAgain) {
  ReplaceFile(dir_ / "ca.crt", "one");
  ApiCredentials credentials(Files());
  EXPECT_EQ(*credentials.CaPem(kNow), "one");

  ReplaceFile(dir_ / "ca.crt", "two");

  EXPECT_EQ(*credentials.CaPem(kNow + std::chrono::seconds(1)), "one");
  EXPECT_EQ(*credentials.CaPem(kNow + std::chrono::seconds(11)), "two");
}

}  // namespace
}  // namespace connector::kube
