#include "dataplane/token/refused_tokens.h"

#include <gtest/gtest.h>

#include <string>

namespace connector::dataplane::token {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Answer = RefusedTokens::Answer;

constexpr RefusedTokens::Time kSentAt{seconds(1'000'000)};

connections::ClientAddress Address(const std::string& text) {
  return connections::ClientAddress(asio::ip::make_address(text));
}

RefusedTokens::Sent From(const std::string& address,
                         const std::string& token,
                         RefusedTokens::Time at = kSentAt) {
  return {Address(address), HashToken(token), at};
}

class RefusedTokensTest : public ::testing::Test {
 protected:
  Answer Ask(const RefusedTokens::Sent& sent) { return tokens_.Decide(sent).answer; }
  // As many tokens of the address are refused as it may have at once.
  void UseUp(const std::string& address) {
    for (std::uint32_t i = 0; i < kRefusalsPerSecond * kRefusalBurstSeconds; ++i) {
      ASSERT_EQ(Ask(From(address, "new")), Answer::kAsk) << i;
      tokens_.Refused(From(address, "bad" + std::to_string(i)));
    }
  }

  RefusedTokens tokens_;
};

TEST_F(RefusedTokensTest, AsksAboutATokenThatItDoesNotKnow) {
  EXPECT_EQ(Ask(From("192.0.2.1", "a")), Answer::kAsk);
}

TEST_F(RefusedTokensTest, RefusesATokenAgainForAMoment) {
  tokens_.Refused(From("192.0.2.1", "a"));

  EXPECT_EQ(Ask(From("192.0.2.2", "a", kSentAt + milliseconds(4999))), Answer::kRefused)
      << "wherever it comes from";
  EXPECT_EQ(Ask(From("192.0.2.1", "b")), Answer::kAsk);
  EXPECT_EQ(Ask(From("192.0.2.1", "a", kSentAt + kRefusedFor)), Answer::kAsk)
      << "it may have become valid";
}

TEST_F(RefusedTokensTest, ForgetsARefusalOfATokenThatWasAcceptedSince) {
  tokens_.Refused(From("192.0.2.1", "a"));
  tokens_.Accepted(From("192.0.2.1", "a"));

  EXPECT_EQ(Ask(From("192.0.2.1", "a")), Answer::kAsk);
}

TEST_F(RefusedTokensTest, LetsAnAddressWaitThatHadTooManyRefused) {
  UseUp("192.0.2.1");

  EXPECT_EQ(Ask(From("192.0.2.1", "new")), Answer::kAddressFull);
  EXPECT_EQ(tokens_.Decide(From("192.0.2.1", "new")).retry_after, seconds(1));
  EXPECT_EQ(Ask(From("192.0.2.2", "new")), Answer::kAsk) << "another address";
  EXPECT_EQ(Ask(From("192.0.2.1", "new", kSentAt + milliseconds(100))), Answer::kAsk);
}

TEST_F(RefusedTokensTest, AsksAboutWhoWasAcceptedBeforeWhateverItsAddressDoes) {
  tokens_.Accepted(From("192.0.2.1", "honest"));
  UseUp("192.0.2.1");

  EXPECT_EQ(Ask(From("192.0.2.1", "honest")), Answer::kAsk);
}

TEST_F(RefusedTokensTest, GivesNoLaneToATokenThatIsAcceptedNoLonger) {
  tokens_.Accepted(From("192.0.2.1", "honest"));
  tokens_.Refused(From("192.0.2.1", "honest"));
  for (int i = 0; i < 300; ++i) {
    tokens_.Refused(From("192.0.2.1", "bad" + std::to_string(i)));
  }

  EXPECT_EQ(Ask(From("192.0.2.1", "honest", kSentAt + kRefusedFor)), Answer::kAddressFull);
}

TEST_F(RefusedTokensTest, CountsARefusalOnceHoweverManyWaitedForIt) {
  for (int i = 0; i < 1000; ++i) {
    tokens_.Refused(From("192.0.2.1", "a"));
  }

  EXPECT_EQ(Ask(From("192.0.2.1", "new")), Answer::kAsk);
}

TEST_F(RefusedTokensTest, LetsAnAddressPayForWhatItSentAtOnce) {
  for (int i = 0; i < 1000; ++i) {  // All were asked about before the first was refused.
    tokens_.Refused(From("192.0.2.1", "bad" + std::to_string(i)));
  }

  EXPECT_EQ(Ask(From("192.0.2.1", "new", kSentAt + seconds(10))), Answer::kAddressFull);
  EXPECT_EQ(Ask(From("192.0.2.1", "new", kSentAt + seconds(11))), Answer::kAsk) << "and no longer";
}

TEST_F(RefusedTokensTest, KeepsABoundedNumberOfTokensAndAddresses) {
  UseUp("192.0.2.1");
  for (std::size_t i = 0; i < kMaxRefusedAddresses; ++i) {
    const std::string address = "10.0." + std::to_string(i / 256) + "." + std::to_string(i % 256);
    tokens_.Refused(From(address, address, kSentAt + milliseconds(1)));
  }

  EXPECT_EQ(Ask(From("192.0.2.1", "bad0", kSentAt + milliseconds(1))), Answer::kAsk);
  EXPECT_EQ(Ask(From("10.0.0.0", "10.0.0.0", kSentAt + milliseconds(1))), Answer::kRefused);
}

}  // namespace
}  // namespace connector::dataplane::token
