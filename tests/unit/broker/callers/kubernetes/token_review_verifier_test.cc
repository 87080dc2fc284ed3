#include "broker/callers/kubernetes/token_review_verifier.h"

#include "tests/contract/broker/callers/hostile_tokens.h"
#include "tests/contract/broker/callers/issuer_stand_in.h"
#include "tests/contract/broker/callers/manual_clock.h"
#include "tests/contract/broker/callers/token_review_stand_in.h"
#include "tests/contract/broker/callers/verify_now.h"
#include "tests/support/cpp/result_matchers.h"

#include <boost/asio/co_spawn.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace connector::broker::callers {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing_support::HasError;
using testing_support::HasErrorMessage;
using testing_support::ManualClock;
using testing_support::Payload;
using testing_support::ReviewStandIn;
using testing_support::SigningKey;
using namespace std::chrono_literals;

class TokenReviewVerifierTest : public ::testing::Test {
 protected:
  static std::unique_ptr<CallerVerifier> Make(TokenReviewVerifierTest& test,
                                              std::chrono::milliseconds positive = 10s,
                                              std::chrono::milliseconds negative = 5s) {
    return MakeTokenReviewVerifier({.issuer = testing_support::kTestIssuer,
                                    .audience = testing_support::kTestAudience,
                                    .positive = positive,
                                    .negative = negative,
                                    .on_cache_hit = [&test] { ++test.hits_; }},
                                   test.Keys(),
                                   test.reviews_,
                                   test.clock_);
  }
  Result<Caller> Verify(const std::string& token) {
    const UnverifiedToken unverified{Secret(token)};
    return testing_support::RunTask(
        io_, verifier_->Verify(unverified, std::chrono::steady_clock::now() + 10s));
  }
  [[nodiscard]] Payload Good() const { return testing_support::GoodPayload(clock_.Seconds()); }
  [[nodiscard]] std::string Sign(const Payload& payload) const {
    return testing_support::Forge(
        key_, "ES256", testing_support::Header("ES256", testing_support::kTestKid), payload.Json());
  }
  // The cluster's keys, as its API server serves them.
  std::shared_ptr<IssuerKeys> Keys() {
    return std::make_shared<IssuerKeys>(
        IssuerKeysOptions{.source = {testing_support::kTestIssuer, "", std::nullopt, false}},
        issuer_.Fetch(),
        clock_);
  }
  [[nodiscard]] std::string Forged(const std::string& kid) const {
    return testing_support::Forge(
        SigningKey::Ec(), "ES256", testing_support::Header("ES256", kid), Good().Json());
  }
  void AcceptNothing() {
    api_.SetDecide([](const kube::ResourceType&, const boost::json::object&) {
      return testing_support::JsonObject(R"({"status":{"authenticated":false}})");
    });
  }
  void AcceptEverything() { api_.SetDecide(Accepting()); }
  [[nodiscard]] ReviewStandIn::Decide Accepting() const {
    return testing_support::AcceptsTokensOf(
        *jose::ParseJwkSet(testing_support::Jwks({key_.PublicJwk(testing_support::kTestKid)})));
  }

  asio::io_context io_;
  ManualClock clock_;
  SigningKey key_ = SigningKey::Ec();
  testing_support::IssuerStandIn issuer_{
      testing_support::Jwks({key_.PublicJwk(testing_support::kTestKid)})};
  ReviewStandIn api_{Accepting()};
  callers::ReviewScheduler reviews_{api_.Post(), {}, io_.get_executor(), {}};
  int hits_ = 0;
  std::unique_ptr<CallerVerifier> verifier_ = Make(*this);
};

TEST_F(TokenReviewVerifierTest, KeepsWhatTheApiServerSaysOfTheUserAndWhenItWasAsked) {
  const auto caller = Verify(Sign(Good()));

  ASSERT_TRUE(caller) << caller.error().message;
  EXPECT_EQ(caller->kubernetes_user, (KubernetesUser{"system:serviceaccount:ci:builder", "uid-1"}));
  EXPECT_EQ(caller->caller_checked_at, clock_.Now());
}

TEST_F(TokenReviewVerifierTest, AsksAgainAfterTenSecondsAndNotBefore) {
  const std::string token = Sign(Good());
  ASSERT_TRUE(Verify(token));
  AcceptNothing();  // As after the pod was deleted.
  clock_.Advance(9s);
  EXPECT_TRUE(Verify(token));
  EXPECT_EQ(hits_, 1);
  EXPECT_EQ(api_.count(), 1U);
  clock_.Advance(1s);
  EXPECT_THAT(Verify(token), HasError(ErrorCode::kUnauthenticated));
}

TEST_F(TokenReviewVerifierTest, RemembersARefusalForFiveSecondsAndNoLonger) {
  const std::string token = Sign(Good());
  AcceptNothing();
  EXPECT_FALSE(Verify(token));
  AcceptEverything();
  clock_.Advance(4s);
  EXPECT_THAT(Verify(token), HasError(ErrorCode::kUnauthenticated));
  clock_.Advance(1s);
  EXPECT_TRUE(Verify(token));
}

TEST_F(TokenReviewVerifierTest, TakesNoLongerTimesThanTheMaxima) {
  verifier_ = Make(*this, 1h, 1h);
  const std::string token = Sign(Good());
  ASSERT_TRUE(Verify(token));
  AcceptNothing();
  clock_.Advance(10s);
  EXPECT_FALSE(Verify(token));
  AcceptEverything();
  clock_.Advance(5s);
  EXPECT_TRUE(Verify(token));
}

TEST_F(TokenReviewVerifierTest, LetsNothingOutliveTheTokenItself) {
  const std::string token = Sign(Good().Set("exp", std::to_string(clock_.Seconds() + 3)));
  ASSERT_TRUE(Verify(token));
  clock_.Advance(3s);

  EXPECT_THAT(Verify(token), HasErrorMessage(ErrorCode::kUnauthenticated, HasSubstr("expired")));
}

TEST_F(TokenReviewVerifierTest, TellsHowToGetATokenWhenOneIsForTheApiServerItself) {
  const std::string token = Sign(Good().Set("aud", R"(["https://kubernetes.default.svc"])"));

  EXPECT_THAT(Verify(token),
              HasErrorMessage(ErrorCode::kUnauthenticated,
                              AllOf(HasSubstr("kubectl create token NAME --audience oci-connector"),
                                    HasSubstr("projected volume"))));
  EXPECT_EQ(api_.count(), 0U);
}

TEST_F(TokenReviewVerifierTest, AsksNobodyAboutATokenThatIsNoGoodByItsOwnWord) {
  const auto now = clock_.Seconds();
  for (const Payload& payload : {Good().Set("exp", std::to_string(now - 1)),
                                 Good().Set("nbf", std::to_string(now + 3600)),
                                 Good().Remove("exp"),
                                 Good().Set("sub", "\"admin\""),
                                 Good().Set("iss", "\"https://other.example\"")}) {
    EXPECT_THAT(Verify(Sign(payload)), HasError(ErrorCode::kUnauthenticated)) << payload.Json();
  }
  EXPECT_EQ(api_.count(), 0U);
}

// Nothing that others need is spent on a claim that nobody verified.
TEST_F(TokenReviewVerifierTest, AsksNobodyAboutATokenThatTheClusterDidNotSign) {
  for (int i = 0; i < 100; ++i) {
    EXPECT_THAT(Verify(Forged(testing_support::kTestKid)), HasError(ErrorCode::kUnauthenticated));
    EXPECT_THAT(Verify(Forged("key-" + std::to_string(i))), HasError(ErrorCode::kUnauthenticated));
  }
  EXPECT_EQ(api_.count(), 0U);
  EXPECT_EQ(hits_, 0) << "a refusal was remembered";
  EXPECT_LE(issuer_.asked.size(), 4U) << "invented key ids made us flood the API server";
}

TEST_F(TokenReviewVerifierTest, LearnsTheClustersNewKeys) {
  ASSERT_TRUE(Verify(Sign(Good())));
  key_ = SigningKey::Ec();
  AcceptEverything();
  issuer_.documents[testing_support::kJwksUrl] = testing_support::Jwks({key_.PublicJwk("new-key")});
  clock_.Advance(kMinRefreshInterval);

  EXPECT_THAT(Verify(testing_support::Forge(
                  key_, "ES256", testing_support::Header("ES256", "new-key"), Good().Json())),
              HasError(ErrorCode::kUnauthenticated))
      << "the API server knows no such key yet";
  EXPECT_EQ(api_.count(), 2U);
}

TEST_F(TokenReviewVerifierTest, ServesWhoWasAcceptedBeforeFirstWhileTheKeysAreUnknown) {
  issuer_.down = true;
  const std::string known = Sign(Good());
  ASSERT_TRUE(Verify(known)) << "a review decides, as ever";
  clock_.Advance(10s);
  api_.Hold();
  std::vector<UnverifiedToken> tokens;
  for (int i = 0; i < 200; ++i) {  // More than the lane of the unverified has places under way.
    tokens.emplace_back(Secret(Forged(testing_support::kTestKid)));
  }
  const auto start = [this](const UnverifiedToken& token, auto done) {
    asio::co_spawn(
        io_, verifier_->Verify(token, std::chrono::steady_clock::now() + 30s), std::move(done));
  };
  for (const UnverifiedToken& token : tokens) {
    start(token, [](const std::exception_ptr&, const Result<Caller>&) {});
  }
  io_.restart();
  io_.poll();
  const std::size_t unverified = api_.count();
  const UnverifiedToken accepted{Secret(known)};
  start(accepted, [](const std::exception_ptr&, const Result<Caller>&) {});
  io_.restart();
  io_.poll();

  EXPECT_EQ(unverified, 1 + FairQueueOptions{}.max_unverified_under_way);
  EXPECT_EQ(api_.count(), unverified + 1) << "it waits behind claims that nobody verified";
  api_.Release();
  io_.restart();
  io_.run();
}

// Who else comes while ten tokens want the four places of a queue with one review under way.
class TurnsOfAFullQueueTest : public TokenReviewVerifierTest {
 protected:
  void Add(const Payload& payload, const std::string& address) {
    tokens_.emplace_back(Secret(Sign(payload)), address);
  }
  [[nodiscard]] Payload Of(const std::string& account) const {
    return Good().Set("sub", "\"system:serviceaccount:ci:" + account + "\"");
  }
  // All come at once, in the order that they were added.
  void VerifyAll() {
    api_.Hold();
    for (const UnverifiedToken& token : tokens_) {
      auto done = [&, last = &token == &tokens_.back()](const std::exception_ptr&,
                                                        const Result<Caller>& caller) {
        refused_ += caller ? 0 : 1;
        if (last) {
          last_.emplace(caller);
        }
      };
      asio::co_spawn(
          io_, verifier_->Verify(token, std::chrono::steady_clock::now() + 30s), std::move(done));
    }
    io_.restart();
    io_.poll();
    api_.Release();
    io_.restart();
    io_.run();
  }

  callers::ReviewScheduler few_{api_.Post(),
                                {.max_under_way = 1,
                                 .max_queued = 4,
                                 .max_unverified_under_way = 1,
                                 .max_unverified_queued = 4},
                                io_.get_executor(),
                                {}};
  std::vector<UnverifiedToken> tokens_;
  int refused_ = 0;
  std::optional<Result<Caller>> last_;

  void SetUp() override {
    verifier_ = MakeTokenReviewVerifier(
        {.issuer = testing_support::kTestIssuer, .audience = testing_support::kTestAudience},
        Keys(),
        few_,
        clock_);
  }
};

TEST_F(TurnsOfAFullQueueTest, AreDividedByAddressWhileTheKeysAreUnknown) {
  issuer_.down = true;
  for (int i = 0; i < 10; ++i) {  // Whom they claim to be costs nothing.
    Add(Of("x" + std::to_string(i)), "192.0.2.1");
  }
  Add(Good(), "192.0.2.2");
  VerifyAll();

  EXPECT_EQ(refused_, 7) << "one under way, and half of the places";
  ASSERT_TRUE(last_);
  EXPECT_TRUE(*last_) << last_->error().message;
}

TEST_F(TurnsOfAFullQueueTest, AreDividedBySubjectOnceTheSignatureIsChecked) {
  for (int i = 0; i < 10; ++i) {  // Many addresses, as of one data plane after the other.
    Add(Of("greedy").Set("jti", '"' + std::to_string(i) + '"'), "192.0.2." + std::to_string(i));
  }
  Add(Of("other"), "192.0.2.0");
  VerifyAll();

  EXPECT_EQ(refused_, 7) << "one under way, and half of the places";
  ASSERT_TRUE(last_);
  EXPECT_TRUE(*last_) << last_->error().message;
}

TEST_F(TokenReviewVerifierTest, AsksForTheConnectorsAudienceOfANarrowedToken) {
  const auto caller = Verify(Sign(Good().Set("aud", R"(["x","oci-connector/team-a/harbor"])")));

  ASSERT_TRUE(caller) << caller.error().message;
  EXPECT_TRUE(caller->TokenIsFor({"team-a", "harbor"}));
  EXPECT_FALSE(caller->TokenIsFor({"team-a", "hub"}));
  EXPECT_EQ(api_.asked().at(0).at("spec").at("audiences"),
            boost::json::value({"oci-connector/team-a/harbor"}));
}

TEST_F(TokenReviewVerifierTest, RefusesAnAnswerAboutAnotherUser) {
  api_.SetDecide([](const kube::ResourceType&, const boost::json::object&) {
    return testing_support::JsonObject(
        R"({"status":{"authenticated":true,"audiences":["oci-connector"],
            "user":{"username":"system:serviceaccount:ci:admin"}}})");
  });

  EXPECT_THAT(Verify(Sign(Good())),
              HasErrorMessage(ErrorCode::kUnauthenticated, HasSubstr("another than its sub")));
}

TEST_F(TokenReviewVerifierTest, AsksOnceForAThousandWhoComeAtOnceWithOneToken) {
  const UnverifiedToken token{Secret(Sign(Good()))};
  api_.Hold();
  int accepted = 0;
  for (int i = 0; i < 1000; ++i) {
    asio::co_spawn(io_,
                   verifier_->Verify(token, std::chrono::steady_clock::now() + 10s),
                   [&accepted](const std::exception_ptr&, const Result<Caller>& caller) {
                     accepted += caller ? 1 : 0;
                   });
  }
  io_.poll();
  api_.Release();
  io_.restart();
  io_.run();

  EXPECT_EQ(accepted, 1000);
  EXPECT_EQ(api_.count(), 1U);
}

TEST_F(TokenReviewVerifierTest, TellsTokensApartThatComeAtOnce) {
  api_.Hold();
  std::vector<UnverifiedToken> tokens;
  for (int i = 0; i < 150; ++i) {
    tokens.emplace_back(Secret(
        Sign(Good().Set("sub", "\"system:serviceaccount:ci:builder-" + std::to_string(i) + '"'))));
  }
  std::set<std::string> names;
  for (const UnverifiedToken& token : tokens) {
    asio::co_spawn(io_,
                   verifier_->Verify(token, std::chrono::steady_clock::now() + 30s),
                   [&names](const std::exception_ptr&, const Result<Caller>& caller) {
                     names.insert(caller ? caller->Name() : caller.error().message);
                   });
  }
  io_.poll();
  api_.Release();
  io_.restart();
  io_.run();

  EXPECT_EQ(names.size(), 150U);
  EXPECT_EQ(api_.count(), 150U);
}

TEST_F(TokenReviewVerifierTest, SaysUnavailableAndRemembersNothingWhenTheApiServerIsAway) {
  const std::string token = Sign(Good());
  for (const ErrorCode code : {ErrorCode::kUnavailable, ErrorCode::kPermissionDenied}) {
    api_.SetDecide([code](const kube::ResourceType&, const boost::json::object&) {
      return MakeError(code, ErrorOrigin::kUpstream, "away");
    });
    EXPECT_THAT(Verify(token), HasError(ErrorCode::kUnavailable));
  }
  AcceptEverything();
  EXPECT_TRUE(Verify(token));
}

}  // namespace
}  // namespace connector::broker::callers
