#include "broker/callers/verifier_chain.h"

#include "broker/callers/verified_cache.h"
#include "tests/contract/broker/callers/hostile_tokens.h"
#include "tests/contract/broker/callers/manual_clock.h"
#include "tests/contract/broker/callers/verify_now.h"
#include "tests/support/cpp/result_matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace connector::broker::callers {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing_support::HasError;
using testing_support::HasErrorMessage;
using testing_support::ManualClock;
using namespace std::chrono_literals;

// Answers with what a test put there, and counts how often it was asked.
class ScriptedVerifier final : public CallerVerifier {
 public:
  Task<Result<Caller>> Verify(const UnverifiedToken&, Deadline) override {
    ++calls;
    co_return answer;
  }
  Result<Caller> answer;
  int calls = 0;
};

std::string TokenOf(const std::string& issuer, const std::string& extra = "") {
  return testing_support::ForgeUnsigned(
      R"({"alg":"ES256"})", R"({"iss":")" + issuer + "\"" + extra + "}", "signature");
}

class VerifierChainTest : public ::testing::Test {
 protected:
  VerifierChainTest() {
    std::vector<IssuerVerifier> verifiers;
    for (ScriptedVerifier** scripted : {&a_, &b_}) {
      auto made = std::make_unique<ScriptedVerifier>();
      *scripted = made.get();
      verifiers.push_back({verifiers.empty() ? "https://a" : "https://b", std::move(made)});
    }
    a_->answer = Known("a", 1h);
    b_->answer = Known("b", 1h);
    chain_ = *MakeVerifierChain(std::move(verifiers), clock_, [this](VerifyOutcome outcome) {
      outcomes_.push_back(outcome);
    });
  }
  [[nodiscard]] Caller Known(const std::string& subject, std::chrono::seconds life) const {
    return {"https://" + subject, subject, std::nullopt, {}, clock_.Now() + life};
  }
  Result<Caller> Verify(const std::string& token) { return VerifyNow(*chain_, token); }

  ManualClock clock_;
  ScriptedVerifier* a_ = nullptr;
  ScriptedVerifier* b_ = nullptr;
  std::vector<VerifyOutcome> outcomes_;
  std::unique_ptr<CallerVerifier> chain_;
};

TEST_F(VerifierChainTest, AsksTheVerifierOfTheTokensIssuer) {
  EXPECT_EQ(Verify(TokenOf("https://b"))->subject, "b");
  EXPECT_EQ(a_->calls, 0);
  EXPECT_EQ(b_->calls, 1);
}

TEST_F(VerifierChainTest, RefusesAnIssuerThatNobodyIsResponsibleFor) {
  for (const char* issuer : {"https://c", "https://a/", "https://A", "https://a ", ""}) {
    EXPECT_THAT(Verify(TokenOf(issuer)), HasError(ErrorCode::kUnauthenticated)) << issuer;
  }
  EXPECT_EQ(a_->calls + b_->calls, 0);
}

TEST_F(VerifierChainTest, RemembersACallerForAMinute) {
  const std::string token = TokenOf("https://a");
  ASSERT_TRUE(Verify(token));
  clock_.Advance(59s);
  EXPECT_EQ(Verify(token)->subject, "a");
  EXPECT_EQ(a_->calls, 1);

  clock_.Advance(1s);
  EXPECT_TRUE(Verify(token));
  EXPECT_EQ(a_->calls, 2);
}

TEST_F(VerifierChainTest, RemembersACallerNoLongerThanItsTokenLives) {
  a_->answer = Known("a", 10s);
  const std::string token = TokenOf("https://a");
  ASSERT_TRUE(Verify(token));
  clock_.Advance(9s);
  EXPECT_TRUE(Verify(token));
  EXPECT_EQ(a_->calls, 1);

  clock_.Advance(1s);
  a_->answer = MakeError(ErrorCode::kUnauthenticated, ErrorOrigin::kClient, "expired");
  EXPECT_THAT(Verify(token), HasError(ErrorCode::kUnauthenticated));
}

TEST_F(VerifierChainTest, ForgetsWhenTheClockIsSetBack) {
  const std::string token = TokenOf("https://a");
  ASSERT_TRUE(Verify(token));

  clock_.Advance(-1s);

  EXPECT_TRUE(Verify(token));
  EXPECT_EQ(a_->calls, 2);
}

TEST_F(VerifierChainTest, RemembersNoRefusal) {
  a_->answer = MakeError(ErrorCode::kUnauthenticated, ErrorOrigin::kClient, "no");
  const std::string token = TokenOf("https://a");
  EXPECT_THAT(Verify(token), HasError(ErrorCode::kUnauthenticated));

  a_->answer = Known("a", 1h);

  EXPECT_TRUE(Verify(token));
}

TEST_F(VerifierChainTest, TellsTokensApartByTheirLastByte) {
  const std::string token = TokenOf("https://a");
  ASSERT_TRUE(Verify(token));

  EXPECT_TRUE(Verify(TokenOf("https://a", R"(,"x":1)")));
  EXPECT_TRUE(Verify(token.substr(0, token.size() - 4) + "AAAA"));
  EXPECT_EQ(a_->calls, 3);
}

TEST_F(VerifierChainTest, RefusesATokenOverItsLimitUnread) {
  const auto token_of = [](std::size_t size) {
    const std::string head = TokenOf("https://a");
    return head + std::string(size - head.size(), 'A');
  };
  EXPECT_THAT(Verify(token_of(kMaxTokenBytes + 1)),
              HasErrorMessage(ErrorCode::kUnauthenticated, HasSubstr("too long")));
  EXPECT_EQ(a_->calls, 0);
  EXPECT_TRUE(Verify(token_of(kMaxTokenBytes)));
}

TEST_F(VerifierChainTest, ReportsEachOutcome) {
  ASSERT_TRUE(Verify(TokenOf("https://a")));
  ASSERT_TRUE(Verify(TokenOf("https://a")));
  ASSERT_FALSE(Verify(""));
  ASSERT_FALSE(Verify("x"));
  ASSERT_FALSE(Verify(TokenOf("https://c")));
  b_->answer = MakeError(ErrorCode::kUnauthenticated, ErrorOrigin::kClient, "no");
  ASSERT_FALSE(Verify(TokenOf("https://b")));
  b_->answer = MakeError(ErrorCode::kUnavailable, ErrorOrigin::kUpstream, "down");
  ASSERT_THAT(Verify(TokenOf("https://b")), HasError(ErrorCode::kUnavailable));

  EXPECT_THAT(outcomes_,
              ElementsAre(VerifyOutcome::kAccepted,
                          VerifyOutcome::kAcceptedFromCache,
                          VerifyOutcome::kTooLong,
                          VerifyOutcome::kMalformed,
                          VerifyOutcome::kUnknownIssuer,
                          VerifyOutcome::kRefused,
                          VerifyOutcome::kUnavailable));
}

TEST_F(VerifierChainTest, GivesEachOutcomeANameOfItsOwn) {
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(VerifyOutcome::kUnavailable); ++i) {
    names.insert(ToString(static_cast<VerifyOutcome>(i)));
  }
  EXPECT_EQ(names.size(), 7U);
}

TEST(MakeVerifierChain, RefusesTwoVerifiersOfOneIssuer) {
  ManualClock clock;
  std::vector<IssuerVerifier> verifiers;
  verifiers.push_back({"https://a", std::make_unique<ScriptedVerifier>()});
  verifiers.push_back({"https://a", std::make_unique<ScriptedVerifier>()});

  EXPECT_THAT(MakeVerifierChain(std::move(verifiers), clock),
              HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("https://a")));
}

TEST(MakeVerifierChain, RefusesEveryTokenWhenItHasNoVerifier) {
  ManualClock clock;
  const auto chain = MakeVerifierChain({}, clock);
  ASSERT_TRUE(chain);

  EXPECT_THAT(VerifyNow(**chain, TokenOf("https://a")), HasError(ErrorCode::kUnauthenticated));
}

TEST(VerifiedCache, ForgetsTheOldestOfAFullShard) {
  VerifiedCache cache;
  const ManualClock clock;
  const WallTime now = clock.Now();
  const auto digest = [](std::size_t i) {
    TokenDigest out{};  // All in shard 0.
    out[1] = static_cast<unsigned char>(i / 256);
    out[2] = static_cast<unsigned char>(i % 256);
    return out;
  };
  for (std::size_t i = 0; i <= kVerifiedCacheEntriesPerShard; ++i) {
    cache.Put(digest(i), {}, now, now + 60s);
    cache.Put(digest(i), {}, now, now + 60s);
  }

  EXPECT_EQ(cache.Find(digest(0), now), nullptr);
  EXPECT_NE(cache.Find(digest(1), now), nullptr);
  EXPECT_NE(cache.Find(digest(kVerifiedCacheEntriesPerShard), now), nullptr);
}

TEST_F(VerifierChainTest, RemembersNothingOfAVerifierThatRemembersByItself) {
  auto made = std::make_unique<ScriptedVerifier>();
  ScriptedVerifier& scripted = *made;
  scripted.answer = Known("c", 1h);
  std::vector<IssuerVerifier> verifiers;
  verifiers.push_back({"https://c", std::move(made), 0s});
  chain_ = *MakeVerifierChain(std::move(verifiers), clock_);
  const std::string token = TokenOf("https://c");

  EXPECT_TRUE(Verify(token));
  scripted.answer = MakeError(ErrorCode::kUnauthenticated, ErrorOrigin::kClient, "deleted");
  EXPECT_THAT(Verify(token), HasError(ErrorCode::kUnauthenticated));
  EXPECT_EQ(scripted.calls, 2);
}

TEST_F(VerifierChainTest, SaysUnavailableUntilALateIssuerIsKnownAndThenAsksItsVerifier) {
  const auto late = std::make_shared<DiscoveredIssuer>();
  chain_ = *MakeVerifierChain({}, clock_, {}, late);
  EXPECT_THAT(Verify(TokenOf("https://cluster")),
              HasErrorMessage(ErrorCode::kUnavailable, HasSubstr("issuer yet")));

  auto made = std::make_unique<ScriptedVerifier>();
  made->answer = Known("cluster", 1h);
  late->Set({"https://cluster", std::move(made), 0s});

  EXPECT_TRUE(Verify(TokenOf("https://cluster")));
  EXPECT_THAT(Verify(TokenOf("https://other")), HasError(ErrorCode::kUnauthenticated));
}

TEST_F(VerifierChainTest, LearnsAnIssuerAgainWhenATokenNamesAnotherAndKeepsTheOldOne) {
  int asked = 0;
  std::shared_ptr<DiscoveredIssuer> late;
  const auto tell = [&](const std::string& issuer) {
    auto made = std::make_unique<ScriptedVerifier>();
    made->answer = Known("cluster", 1h);
    return late->Set({issuer, std::move(made), 0s});
  };
  late = std::make_shared<DiscoveredIssuer>([&](Deadline) -> Task<Done> {
    ++asked;
    tell("https://new");
    co_return Done{};
  });
  EXPECT_TRUE(tell("https://old"));
  chain_ = *MakeVerifierChain({}, clock_, {}, late);

  EXPECT_TRUE(Verify(TokenOf("https://old")));
  EXPECT_EQ(asked, 0);
  EXPECT_TRUE(Verify(TokenOf("https://new")));
  EXPECT_EQ(asked, 1);
  EXPECT_TRUE(Verify(TokenOf("https://old")));
  EXPECT_FALSE(tell("https://old")) << "its verifier, and what it remembers, stay";
  EXPECT_THAT(Verify(TokenOf("https://other")), HasError(ErrorCode::kUnauthenticated));
}

TEST_F(VerifierChainTest, KeepsFewDiscoveredIssuers) {
  DiscoveredIssuer late;
  for (int i = 0; i < 10; ++i) {
    late.Set({"https://" + std::to_string(i), std::make_unique<ScriptedVerifier>(), 0s});
  }

  EXPECT_EQ(late.Find("https://5"), nullptr);
  EXPECT_NE(late.Find("https://6"), nullptr);
  EXPECT_EQ(late.Get()->issuer, "https://9");
}

TEST(ReadIssuer, ReadsTheNameOutOfADiscoveryDocumentAndNothingElse) {
  EXPECT_EQ(*ReadIssuer(R"({"issuer":"https://kubernetes.default.svc","jwks_uri":"x"})"),
            "https://kubernetes.default.svc");
  for (const char* text : {"", "{}", "[]", R"({"issuer":""})", R"({"issuer":7})", "<html>"}) {
    EXPECT_THAT(ReadIssuer(text), HasError(ErrorCode::kUnavailable)) << text;
  }
}

}  // namespace
}  // namespace connector::broker::callers
