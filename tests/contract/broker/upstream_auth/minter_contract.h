#pragma once

// What every Minter promises, as tests. minter_test.cc instantiates the suite with a harness for
// each kind of authentication. A harness has: minter(), clock(), world() (a RegistryWorld),
// Connector().

#include "broker/upstream_auth/minter.h"
#include "common/base/encoding.h"
#include "tests/support/cpp/fake_clock.h"
#include "tests/support/cpp/registry_world.h"
#include "tests/support/cpp/result_matchers.h"
#include "tests/support/cpp/run_task.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace connector::broker::upstream_auth {

template <typename Harness>
class MinterContract : public ::testing::Test {
 protected:
  static Deadline SoonEnough() {
    return std::chrono::steady_clock::now() + std::chrono::seconds(20);
  }

  Result<UpstreamToken> Mint(resource::Connector connector, Deadline deadline = SoonEnough()) {
    MintRequest request =
        harness_.world().Request(std::move(connector), {{"team/app", {oci::Action::kPull}}});
    return testing_support::RunTask(harness_.minter().Mint(std::move(request), deadline));
  }

  // No form of the stored password may reach a sentence for the client's user.
  static void ExpectNoSecretIn(const Error& error) {
    for (const std::string& form : {std::string(testing_support::kPassword),
                                    Base64Encode(testing_support::kPassword),
                                    std::string(testing_support::kBasicOfBoth).substr(6)}) {
      EXPECT_THAT(error.message, ::testing::Not(::testing::HasSubstr(form)));
    }
  }

  Harness harness_;
};

TYPED_TEST_SUITE_P(MinterContract);

TYPED_TEST_P(MinterContract, GivesATokenThatIsGoodFromNowOnAndForADayAtMost) {
  const Result<UpstreamToken> token = this->Mint(this->harness_.Connector());

  ASSERT_TRUE(token.has_value()) << token.error().message;
  EXPECT_GT(token->not_after, this->harness_.clock().Now());
  EXPECT_LE(token->not_after, this->harness_.clock().Now() + std::chrono::hours(24));
  EXPECT_FALSE(token->single_use);
}

TYPED_TEST_P(MinterContract, GivesAValueThatCannotBreakOutOfAHeader) {
  const Result<UpstreamToken> token = this->Mint(this->harness_.Connector());

  ASSERT_TRUE(token.has_value()) << token.error().message;
  const std::string_view value = token->value.Reveal();
  EXPECT_EQ(token->scheme == CredentialScheme::kNone, value.empty());
  EXPECT_TRUE(std::all_of(value.begin(), value.end(), [](char c) { return c > 0x20 && c < 0x7F; }));
}

TYPED_TEST_P(MinterContract, CountsLifeByItsClock) {
  const Result<UpstreamToken> before = this->Mint(this->harness_.Connector());
  this->harness_.clock().Advance(std::chrono::hours(1));
  const Result<UpstreamToken> after = this->Mint(this->harness_.Connector());

  ASSERT_TRUE(before.has_value() && after.has_value());
  EXPECT_EQ(after->not_after - before->not_after, std::chrono::hours(1));
}

TYPED_TEST_P(MinterContract, EndsByItsDeadline) {
  this->harness_.world().registry.Answer({.silent = true});

  const Result<UpstreamToken> token = this->Mint(
      this->harness_.Connector(), std::chrono::steady_clock::now() + std::chrono::milliseconds(50));

  if (!token) {
    EXPECT_THAT(token, testing_support::HasError(ErrorCode::kDeadlineExceeded));
  }
}

TYPED_TEST_P(MinterContract, ContactsNoOriginThatTheConnectorDoesNotPin) {
  testing_support::ScriptedServer foreign(
      [](const testing_support::HttpRequest&) { return testing_support::HttpAnswer{}; },
      std::nullopt);
  this->harness_.world().registry.Answer(
      testing_support::Challenge("Bearer realm=\"" + foreign.address() + "/token\""));

  const Result<UpstreamToken> token = this->Mint(this->harness_.Connector());

  EXPECT_EQ(foreign.server().connections(), 0U);
  if (!token) {
    EXPECT_THAT(token, testing_support::HasError(ErrorCode::kInvalidArgument));
  }
}

TYPED_TEST_P(MinterContract, TellsNoSecretInAnError) {
  using testing_support::HttpAnswer;
  for (const HttpAnswer& answer : {HttpAnswer{.status = 401},
                                   HttpAnswer{.status = 403},
                                   HttpAnswer{.status = 500},
                                   HttpAnswer{.status = 418},
                                   HttpAnswer{.body = "nonsense"}}) {
    this->harness_.world().token_service.Answer(answer);
    if (const Result<UpstreamToken> token = this->Mint(this->harness_.Connector()); !token) {
      this->ExpectNoSecretIn(token.error());
      EXPECT_EQ(token.error().origin, ErrorOrigin::kUpstream);
    }
  }
  resource::Connector no_static = this->harness_.Connector();
  no_static.auth.allow_static = false;
  if (const Result<UpstreamToken> token = this->Mint(no_static); !token) {
    this->ExpectNoSecretIn(token.error());
  }
}

REGISTER_TYPED_TEST_SUITE_P(MinterContract,
                            GivesATokenThatIsGoodFromNowOnAndForADayAtMost,
                            GivesAValueThatCannotBreakOutOfAHeader,
                            CountsLifeByItsClock,
                            EndsByItsDeadline,
                            ContactsNoOriginThatTheConnectorDoesNotPin,
                            TellsNoSecretInAnError);

}  // namespace connector::broker::upstream_auth
