#include "broker/callers/oidc/oidc_verifier.h"

#include "broker/callers/oidc/issuer_keys.h"
#include "tests/contract/broker/callers/hostile_tokens.h"
#include "tests/contract/broker/callers/issuer_stand_in.h"
#include "tests/contract/broker/callers/manual_clock.h"
#include "tests/contract/broker/callers/verify_now.h"
#include "tests/support/cpp/result_matchers.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace connector::broker::callers {
namespace {

using testing_support::HasError;
using testing_support::IssuerStandIn;
using testing_support::ManualClock;
using testing_support::SigningKey;
using namespace std::chrono_literals;

class OidcVerifierTest : public ::testing::Test {
 protected:
  [[nodiscard]] OidcOptions Options(bool kubernetes = false) {
    return {.source = {testing_support::kTestIssuer, "", std::nullopt, false},
            .audience = testing_support::kTestAudience,
            .kubernetes = kubernetes,
            .own_cluster = kubernetes,
            .wait_with_old_keys = 2s,
            .on_refresh = [this](const KeyRefresh& refresh) { refreshes_.push_back(refresh); }};
  }
  [[nodiscard]] std::string Token(const std::string& kid) const { return Token(key_, kid); }
  [[nodiscard]] std::string Token(const SigningKey& key, const std::string& kid) const {
    return testing_support::Forge(key,
                                  "ES256",
                                  testing_support::Header("ES256", kid),
                                  testing_support::GoodPayload(clock_.Seconds()).Json());
  }
  Result<Caller> Verify(const std::string& token) { return VerifyNow(*verifier_, token); }
  bool Accepts(const std::string& kid) { return Verify(Token(kid)).has_value(); }
  void Publish(const std::string& kid) {
    issuer_.documents[testing_support::kJwksUrl] = testing_support::Jwks({key_.PublicJwk(kid)});
  }
  // How often keys were fetched: discovery and JWKS are two requests.
  [[nodiscard]] std::size_t Fetches() const { return issuer_.asked.size() / 2; }

  ManualClock clock_;
  SigningKey key_ = SigningKey::Ec();
  IssuerStandIn issuer_{testing_support::Jwks({key_.PublicJwk("a")})};
  std::vector<KeyRefresh> refreshes_;
  std::unique_ptr<CallerVerifier> verifier_ = *MakeOidcVerifier(Options(), issuer_.Fetch(), clock_);
};

TEST_F(OidcVerifierTest, FetchesItsKeysOnceForManyTokens) {
  EXPECT_TRUE(Accepts("a"));
  EXPECT_TRUE(Accepts("a"));

  EXPECT_EQ(Fetches(), 1U);
  ASSERT_EQ(refreshes_.size(), 1U);
  EXPECT_TRUE(refreshes_[0].ok);
}

TEST_F(OidcVerifierTest, FetchesAtOnceWhenATokenNamesANewKey) {
  ASSERT_TRUE(Accepts("a"));
  Publish("b");
  clock_.Advance(10s);

  EXPECT_TRUE(Accepts("b"));
  EXPECT_EQ(Fetches(), 2U);
}

TEST_F(OidcVerifierTest, FetchesForUnknownKeysAtMostEveryTenSeconds) {
  ASSERT_TRUE(Accepts("a"));
  clock_.Advance(10s);
  for (int i = 0; i < 20; ++i) {
    EXPECT_THAT(Verify(Token("invented-" + std::to_string(i))),
                HasError(ErrorCode::kUnauthenticated));
  }
  EXPECT_EQ(Fetches(), 2U);

  clock_.Advance(10s);
  EXPECT_THAT(Verify(Token("invented")), HasError(ErrorCode::kUnauthenticated));
  EXPECT_EQ(Fetches(), 3U);
  EXPECT_TRUE(Accepts("a"));
}

TEST_F(OidcVerifierTest, DoesNotFetchForATokenThatIsWrongInAnotherWay) {
  Publish(testing_support::kTestKid);
  ASSERT_TRUE(Accepts(testing_support::kTestKid));
  clock_.Advance(10s);

  for (const auto& row : testing_support::HostileTokens(key_, clock_.Seconds())) {
    if (row.reason != "unknown key") {
      EXPECT_FALSE(Verify(row.token)) << row.rule;
      EXPECT_EQ(Fetches(), 1U) << row.rule;
    }
  }
}

TEST_F(OidcVerifierTest, RefreshesInTheBackgroundWhileItsKeysAreGood) {
  ASSERT_TRUE(Accepts("a"));
  clock_.Advance(5min);
  Publish("b");

  EXPECT_TRUE(Accepts("a")) << "a caller waited for the new keys";
  EXPECT_EQ(Fetches(), 2U);
  EXPECT_TRUE(Accepts("b"));
  EXPECT_EQ(Fetches(), 2U);
  EXPECT_FALSE(Accepts("a")) << "a key that is gone stays in use";
}

TEST_F(OidcVerifierTest, AsksBeforeItUsesKeysThatAreAnHourOld) {
  ASSERT_TRUE(Accepts("a"));
  clock_.Advance(1h);
  Publish("b");

  EXPECT_FALSE(Accepts("a"));
}

TEST_F(OidcVerifierTest, KeepsOldKeysForADayWhenItsIssuerIsDown) {
  ASSERT_TRUE(Accepts("a"));
  issuer_.down = true;

  clock_.Advance(24h - 1s);
  EXPECT_TRUE(Accepts("a"));
  ASSERT_EQ(refreshes_.size(), 2U);
  EXPECT_FALSE(refreshes_[1].ok);
  EXPECT_THAT(refreshes_[1].message, ::testing::HasSubstr("discovery: no connection"));

  clock_.Advance(1s);
  EXPECT_THAT(Verify(Token("a")), HasError(ErrorCode::kUnavailable));

  issuer_.down = false;
  clock_.Advance(10s);
  EXPECT_TRUE(Accepts("a"));
}

TEST_F(OidcVerifierTest, AcceptsNothingThatOldKeysDidNotSignWhileItsIssuerIsDown) {
  ASSERT_TRUE(Accepts("a"));
  issuer_.down = true;
  clock_.Advance(2h);

  EXPECT_THAT(Verify(Token(SigningKey::Ec(), "a")), HasError(ErrorCode::kUnauthenticated));
  EXPECT_THAT(Verify(Token("b")), HasError(ErrorCode::kUnavailable))
      << "whether the key exists is not known";
}

TEST_F(OidcVerifierTest, SaysWhenToAskAgainWhenItHasNoKeys) {
  issuer_.down = true;
  for (int i = 0; i < 3; ++i) {
    const auto refused = Verify(Token("a"));
    ASSERT_THAT(refused, HasError(ErrorCode::kUnavailable));
    EXPECT_EQ(refused.error().retry, Retry::kSafe);
    EXPECT_EQ(refused.error().retry_after, 10s);
  }
  EXPECT_EQ(issuer_.asked.size(), 1U) << "a failing issuer is not asked by every caller";
}

TEST_F(OidcVerifierTest, SurvivesAFetchThatThrows) {
  issuer_.throws = true;
  EXPECT_THAT(Verify(Token("a")), HasError(ErrorCode::kUnavailable));
  ASSERT_EQ(refreshes_.size(), 1U);
  EXPECT_EQ(refreshes_[0].message, "the fetch threw");

  issuer_.throws = false;
  clock_.Advance(10s);
  EXPECT_TRUE(Accepts("a"));
}

TEST_F(OidcVerifierTest, RefusesADocumentOfAnotherIssuer) {
  issuer_.documents[testing_support::kDiscoveryUrl] =
      R"({"issuer":"https://other.example","jwks_uri":"https://keys.example/jwks"})";

  EXPECT_THAT(Verify(Token("a")), HasError(ErrorCode::kUnavailable));
}

TEST_F(OidcVerifierTest, NeverNamesAServiceAccountUnlessItIsACluster) {
  EXPECT_EQ(Verify(Token("a"))->service_account, std::nullopt);
  EXPECT_EQ(Verify(Token("a"))->Name(), "https://issuer.example#system:serviceaccount:ci:builder");

  verifier_ = *MakeOidcVerifier(Options(true), issuer_.Fetch(), clock_);
  EXPECT_EQ(Verify(Token("a"))->service_account, (ServiceAccount{"ci", "builder"}));
}

TEST_F(OidcVerifierTest, NeverTakesAnAccountOfAnotherClusterForOneOfTheOwn) {
  OidcOptions other = Options(true);
  other.own_cluster = false;
  verifier_ = *MakeOidcVerifier(other, issuer_.Fetch(), clock_);

  const auto caller = Verify(Token("a"));

  EXPECT_EQ(caller->service_account, std::nullopt);
  EXPECT_EQ(caller->other_cluster_account, (ServiceAccount{"ci", "builder"}));
  EXPECT_EQ(caller->Name(), "https://issuer.example#system:serviceaccount:ci:builder");
}

TEST_F(OidcVerifierTest, AcceptsOnlyATokenOfAConnectorWhereThatIsRequired) {
  OidcOptions strict = Options();
  strict.require_connector_audience = true;
  verifier_ = *MakeOidcVerifier(strict, issuer_.Fetch(), clock_);

  EXPECT_THAT(Verify(Token("a")), HasError(ErrorCode::kUnauthenticated));
}

TEST_F(OidcVerifierTest, FetchesOnceForCallersThatComeTogether) {
  issuer_.turns = 100;
  asio::io_context io;
  const UnverifiedToken token{Secret(Token("a"))};
  int accepted = 0;
  for (int i = 0; i < 50; ++i) {
    asio::co_spawn(io,
                   verifier_->Verify(token, std::chrono::steady_clock::now() + 30s),
                   [&](std::exception_ptr, Result<Caller> caller) { accepted += caller ? 1 : 0; });
  }
  io.run();

  EXPECT_EQ(accepted, 50);
  EXPECT_EQ(Fetches(), 1U);
}

TEST_F(OidcVerifierTest, LetsABoundedNumberWaitForASlowIssuer) {
  issuer_.turns = 1000;
  asio::io_context io;
  const UnverifiedToken token{Secret(Token("a"))};
  long accepted = 0;
  long refused = 0;
  for (long i = 0; i < kMaxWaitingForKeys + 50; ++i) {
    asio::co_spawn(io,
                   verifier_->Verify(token, std::chrono::steady_clock::now() + 30s),
                   [&](std::exception_ptr, Result<Caller> caller) {
                     accepted += caller ? 1 : 0;
                     refused += !caller && caller.error().code == ErrorCode::kUnavailable ? 1 : 0;
                   });
  }
  io.run();

  EXPECT_EQ(accepted, kMaxWaitingForKeys);
  EXPECT_EQ(refused, 50);
  EXPECT_TRUE(Accepts("a")) << "places are given back";
}

TEST_F(OidcVerifierTest, FetchesOnceForThreadsThatComeTogether) {
  issuer_.turns = 1000;
  asio::io_context io;
  const UnverifiedToken token{Secret(Token("a"))};
  std::atomic<int> accepted = 0;
  for (int i = 0; i < 50; ++i) {
    asio::co_spawn(io,
                   verifier_->Verify(token, std::chrono::steady_clock::now() + 30s),
                   [&](std::exception_ptr, Result<Caller> caller) { accepted += caller ? 1 : 0; });
  }
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] { io.run(); });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }

  EXPECT_EQ(accepted, 50);
  EXPECT_EQ(Fetches(), 1U);
}

TEST_F(OidcVerifierTest, DoesNotWaitBeyondTheDeadline) {
  issuer_.turns = 1'000'000;
  asio::io_context io;
  const UnverifiedToken token{Secret(Token("a"))};
  std::optional<Result<Caller>> refused;
  asio::co_spawn(io,
                 verifier_->Verify(token, std::chrono::steady_clock::now()),
                 [&](std::exception_ptr, Result<Caller> caller) { refused = std::move(caller); });
  while (!refused) {
    io.run_one();
  }

  EXPECT_THAT(*refused, HasError(ErrorCode::kUnavailable));
}

TEST_F(OidcVerifierTest, UsesOldKeysRatherThanWaitBeyondTheDeadline) {
  ASSERT_TRUE(Accepts("a"));
  clock_.Advance(2h);
  issuer_.turns = 1'000'000;
  asio::io_context io;
  const UnverifiedToken token{Secret(Token("a"))};
  std::optional<Result<Caller>> caller;
  asio::co_spawn(
      io,
      verifier_->Verify(token, std::chrono::steady_clock::now()),
      [&](std::exception_ptr, Result<Caller> verified) { caller = std::move(verified); });
  while (!caller) {
    io.run_one();
  }

  EXPECT_TRUE(*caller);
  EXPECT_EQ(refreshes_.size(), 1U) << "waited for the answer of a slow issuer";
}

TEST_F(OidcVerifierTest, UsesOldKeysRatherThanWaitLong) {
  OidcOptions impatient = Options();
  impatient.wait_with_old_keys = 0ms;
  verifier_ = *MakeOidcVerifier(impatient, issuer_.Fetch(), clock_);
  ASSERT_TRUE(Accepts("a"));
  clock_.Advance(2h);
  issuer_.turns = 1'000'000;
  asio::io_context io;
  const UnverifiedToken token{Secret(Token("a"))};
  std::optional<Result<Caller>> caller;
  asio::co_spawn(
      io,
      verifier_->Verify(token, std::chrono::steady_clock::now() + 30s),
      [&](std::exception_ptr, Result<Caller> verified) { caller = std::move(verified); });
  while (!caller) {
    io.run_one();
  }

  EXPECT_TRUE(*caller);
  EXPECT_EQ(refreshes_.size(), 1U) << "waited for the answer of a slow issuer";
}

TEST_F(OidcVerifierTest, MayGoWhileARefreshIsUnderWay) {
  issuer_.turns = 10;
  asio::io_context io;
  const UnverifiedToken token{Secret(Token("a"))};
  std::optional<Result<Caller>> refused;
  asio::co_spawn(io,
                 verifier_->Verify(token, std::chrono::steady_clock::now()),
                 [&](std::exception_ptr, Result<Caller> caller) { refused = std::move(caller); });
  while (!refused) {
    io.run_one();
  }
  verifier_.reset();

  io.run();

  EXPECT_EQ(refreshes_.size(), 1U);
}

TEST_F(OidcVerifierTest, IsNotMadeFromWhatCannotWork) {
  OidcOptions no_audience = Options();
  no_audience.audience.clear();
  OidcOptions plain = Options();
  plain.source.issuer = "http://issuer.example";
  OidcOptions plain_keys = Options();
  plain_keys.source.jwks_uri = *http::ParseUrl("http://keys.example/jwks");
  OidcOptions insecure = plain_keys;
  insecure.source.issuer = "http://issuer.example";
  insecure.source.allow_insecure = true;

  for (const OidcOptions& options : {no_audience, plain, plain_keys}) {
    EXPECT_THAT(MakeOidcVerifier(options, issuer_.Fetch(), clock_),
                HasError(ErrorCode::kInvalidArgument));
  }
  EXPECT_TRUE(MakeOidcVerifier(insecure, issuer_.Fetch(), clock_));
}

}  // namespace
}  // namespace connector::broker::callers
