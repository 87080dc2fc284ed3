// How mints, waiters and the end of the source overlap.

#include "broker/upstream_auth/minting_token_source.h"
#include "tests/support/cpp/result_matchers.h"
#include "tests/unit/broker/upstream_auth/token_source_fixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace connector::broker::upstream_auth {
namespace {

using resource::AuthKind;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using testing_support::HasError;

TEST_F(TokenSourceTest, MintsOnceFor200ConcurrentCallersOnFourThreads) {
  minter_->held = true;
  std::atomic<int> equal{0};
  const std::shared_ptr<const connectors::CatalogEntry> entry = Entry();
  auto finish = [&](std::exception_ptr, Result<Token> token) {
    equal += token && (*token)->value.Reveal() == "token-1" ? 1 : 0;
  };
  for (int i = 0; i < 200; ++i) {
    asio::co_spawn(io_, source_->Get(entry, kPullA, "alice", SoonEnough()), finish);
  }
  // Queued after the callers, so that most of them wait before the mint ends.
  asio::post(io_, [this] { minter_->held = false; });
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([this] { io_.run(); });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }

  EXPECT_EQ(equal, 200);
  EXPECT_EQ(minter_->mints, 1);
}

TEST_F(TokenSourceTest, EndsAWaitAtItsOwnDeadlineAndNotTheMint) {
  minter_->held = true;
  const std::shared_ptr<const connectors::CatalogEntry> entry = Entry();
  std::optional<Result<Token>> hasty;
  std::optional<Result<Token>> patient;
  auto finish_hasty = [&](std::exception_ptr, Result<Token> token) {
    hasty.emplace(std::move(token));
    minter_->held = false;  // Only now: the mint outlives the caller that began it.
  };
  auto finish_patient = [&](std::exception_ptr, Result<Token> token) {
    patient.emplace(std::move(token));
  };
  asio::co_spawn(
      io_,
      source_->Get(entry, kPullA, "alice", std::chrono::steady_clock::now() + milliseconds(20)),
      finish_hasty);
  asio::co_spawn(io_, source_->Get(entry, kPullA, "alice", SoonEnough()), finish_patient);
  io_.run();

  EXPECT_THAT(*hasty, HasError(ErrorCode::kDeadlineExceeded));
  EXPECT_EQ(ValueOf(*patient), "token-1");
  EXPECT_EQ(minter_->mints, 1);
}

TEST_F(TokenSourceTest, GivesASingleUseTokenToOneCallerOnly) {
  minter_->Life(seconds(60), true);
  minter_->held = true;
  const std::shared_ptr<const connectors::CatalogEntry> entry = Entry();
  std::vector<std::string> values;
  auto finish = [&](std::exception_ptr, Result<Token> token) { values.push_back(ValueOf(token)); };
  for (int i = 0; i < 5; ++i) {
    asio::co_spawn(io_, source_->Get(entry, kPullA, "alice", SoonEnough()), finish);
  }
  asio::post(io_, [this] { minter_->held = false; });
  io_.run();

  EXPECT_THAT(
      values,
      ::testing::UnorderedElementsAre("token-1", "token-2", "token-3", "token-4", "token-5"));
  EXPECT_EQ(ValueOf(Get()), "token-6");
}

TEST_F(TokenSourceTest, StopsRefreshingWhenTheServiceTurnsToSingleUseTokens) {
  ASSERT_EQ(ValueOf(Get()), "token-1");
  minter_->Life(seconds(60), true);
  clock_.Advance(seconds(201));

  EXPECT_EQ(ValueOf(Get()), "token-1");
  EXPECT_EQ(ValueOf(Get()), "token-1");
  EXPECT_EQ(minter_->mints, 2);
}

TEST_F(TokenSourceTest, SurvivesAMinterThatThrows) {
  class Throwing final : public Minter {
   public:
    Task<Result<UpstreamToken>> Mint(MintRequest, Deadline) override {
      throw std::runtime_error("a bug");
      co_return Error{};
    }
  };
  TokenSourceParts parts{store_, {}, clock_, io_.get_executor(), registry_, {}, {}};
  parts.minters[AuthKind::kTokenAuth] = std::make_shared<Throwing>();
  const std::unique_ptr<MintingTokenSource> source = MakeTokenSource(std::move(parts));

  EXPECT_THAT(testing_support::RunTask(io_, source->Get(Entry(), kPullA, "alice", SoonEnough())),
              HasError(ErrorCode::kInternal));
}

TEST_F(TokenSourceTest, StopsAfterTheMintsUnderWayAndRefusesNewOnes) {
  minter_->held = true;
  std::vector<std::string> story;
  auto finish_get = [&](std::exception_ptr, Result<Token> token) {
    story.push_back(ValueOf(token));
  };
  auto finish_stop = [&](std::exception_ptr, Done) { story.push_back("stopped"); };
  auto finish_late = [&](std::exception_ptr, Result<Token> token) {
    story.push_back(token ? "late" : "refused");
    minter_->held = false;
  };
  asio::co_spawn(io_, source_->Get(Entry(), kPullA, "alice", SoonEnough()), finish_get);
  asio::co_spawn(io_, source_->Stop(), finish_stop);
  asio::co_spawn(io_, source_->Get(Entry(), kPullB, "alice", SoonEnough()), finish_late);
  io_.run();

  EXPECT_THAT(story, ElementsAre("refused", "token-1", "stopped"));
}

TEST_F(TokenSourceTest, DividesTheMintsUnderWayByNamespace) {
  minter_->held = true;
  std::atomic<int> refused{0};
  const auto start = [&](const std::string& ns, int i) {
    auto entry = std::make_shared<connectors::CatalogEntry>(*Entry());
    auto connector = std::make_shared<resource::Connector>(*entry->connector);
    connector->ref = {ns, "c" + std::to_string(i)};
    entry->connector = connector;
    auto finish = [&](std::exception_ptr, Result<Token> token) {
      refused += !token && token.error().code == ErrorCode::kResourceExhausted ? 1 : 0;
    };
    asio::co_spawn(io_, source_->Get(entry, kPullA, "mallory", SoonEnough()), finish);
  };
  for (const char* ns : {"evil", "good"}) {
    store_.Put({ns, "harbor-robot"}, {{"username", "robot"}, {"password", "s3cret"}}, "v1");
  }
  for (int i = 0; i < 250; ++i) {
    start("evil", i);
  }
  start("good", 0);
  asio::post(io_, [this] { minter_->held = false; });
  io_.run();

  EXPECT_EQ(minter_->mints, 168 + 1) << "three quarters for one namespace";
  EXPECT_EQ(refused, 250 - 168);
  minter_->mints = 0;
  start("evil", 250);
  io_.restart();
  io_.run();
  EXPECT_EQ(minter_->mints, 1) << "what has ended makes room";
}

TEST_F(TokenSourceTest, StopsAtOnceWhenNothingIsUnderWay) {
  testing_support::RunTask(io_, source_->Stop());
  EXPECT_THAT(Get(), HasError(ErrorCode::kUnavailable));
}

}  // namespace
}  // namespace connector::broker::upstream_auth
