#include "broker/mint/minting_token_source.h"

#include "broker/mint/endpoint_gate.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_secret_store.h"
#include "tests/support/registry_world.h"
#include "tests/support/result_matchers.h"
#include "tests/support/run_task.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace connector::broker::mint {
namespace {

using resource::AuthKind;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using testing_support::HasError;
using testing_support::HasErrorMessage;
using Token = std::shared_ptr<const UpstreamToken>;

const std::vector<oci::Scope> kPullA{{"a", {oci::Action::kPull}}};
const std::vector<oci::Scope> kPullB{{"b", {oci::Action::kPull}}};

// A Minter that answers what it is told, numbers its tokens, and can hold its answers back.
class FakeMinter final : public Minter {
 public:
  explicit FakeMinter(const Clock& clock) : clock_(clock) {}

  Task<Result<UpstreamToken>> Mint(MintRequest request, Deadline /*deadline*/) override {
    const int number = ++mints;
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(request);
    }
    while (held) {
      co_await asio::post(co_await asio::this_coro::executor, kUseTask);
    }
    const std::lock_guard lock(mutex_);  // No co_await below.
    if (failure_) {
      co_return *failure_;
    }
    co_return UpstreamToken{CredentialScheme::kBearer,
                            Secret("token-" + std::to_string(number)),
                            clock_.Now() + life_,
                            single_use_};
  }

  void Life(WallTime::duration life, bool single_use = false) {
    const std::lock_guard lock(mutex_);
    life_ = life;
    single_use_ = single_use;
  }
  void Fail(std::optional<ErrorCode> code, seconds retry_after = seconds(0)) {
    const std::lock_guard lock(mutex_);
    failure_.reset();
    if (code) {
      failure_ = MakeError(*code, ErrorOrigin::kUpstream, "the fake failed");
      failure_->retry_after = retry_after;
    }
  }
  MintRequest LastRequest() {
    const std::lock_guard lock(mutex_);
    return requests_.back();
  }

  std::atomic<int> mints{0};
  std::atomic<bool> held{false};

 private:
  const Clock& clock_;
  std::mutex mutex_;
  WallTime::duration life_ = seconds(300);
  bool single_use_ = false;
  std::optional<Error> failure_;
  std::vector<MintRequest> requests_;
};

class TokenSourceTest : public ::testing::Test {
 protected:
  TokenSourceTest() {
    store_.Put({"default", "harbor-robot"}, {{"username", "robot"}, {"password", "s3cret"}}, "v1");
    TokenSourceParts parts{store_, {}, clock_, io_.get_executor(), registry_, {}, {}};
    parts.minters[AuthKind::kTokenAuth] = minter_;
    parts.random = [this] { return random_.load(); };
    parts.now = [this] { return kSteadyStart + (clock_.Now() - clock_.kStart); };
    source_ = MakeTokenSource(std::move(parts));
  }

  static constexpr std::chrono::steady_clock::time_point kSteadyStart{seconds(1000)};
  static Deadline SoonEnough() { return std::chrono::steady_clock::now() + seconds(20); }

  std::shared_ptr<const catalog::Entry> Entry(const std::string& mint_key = "mint-key-1",
                                              const std::string& version = "v1") {
    auto connector = std::make_shared<resource::Connector>();
    connector->ref = {"default", "harbor"};
    connector->address = *http::ParseOrigin("https://harbor.example.com");
    connector->auth.kind = AuthKind::kTokenAuth;
    connector->auth.secret_name = "harbor-robot";
    auto entry = std::make_shared<catalog::Entry>();
    entry->connector = connector;
    entry->mint_key = mint_key;
    entry->secret_version = version;
    return entry;
  }

  // Runs until nothing is under way any more, refreshes in the background included.
  Result<Token> Get(const std::vector<oci::Scope>& scopes = kPullA) {
    return GetFor(Entry(), scopes);
  }
  Result<Token> GetFor(std::shared_ptr<const catalog::Entry> entry,
                       const std::vector<oci::Scope>& scopes = kPullA) {
    return testing_support::RunTask(io_, source_->Get(std::move(entry), scopes, SoonEnough()));
  }
  std::string ValueOf(const Result<Token>& token) {
    return token ? std::string((*token)->value.Reveal()) : token.error().message;
  }

  std::string Metrics() { return prometheus::TextSerializer().Serialize(registry_.Collect()); }

  asio::io_context io_;
  testing_support::FakeClock clock_;
  testing_support::FakeSecretStore store_;
  prometheus::Registry registry_;
  std::atomic<double> random_{0.5};
  std::shared_ptr<FakeMinter> minter_ = std::make_shared<FakeMinter>(clock_);
  std::unique_ptr<MintingTokenSource> source_;
};

TEST_F(TokenSourceTest, MintsOncePerKeyAndKeepsTheToken) {
  EXPECT_EQ(ValueOf(Get()), "token-1");
  EXPECT_EQ(ValueOf(Get()), "token-1");
  EXPECT_EQ(minter_->mints, 1);
  EXPECT_EQ(store_.fetches(), 1);
}

TEST_F(TokenSourceTest, GivesTheMinterTheCredentialAndTheScopes) {
  ASSERT_TRUE(Get({{"b", {oci::Action::kPull}}, {"a", {oci::Action::kPull}}}).has_value());

  const MintRequest request = minter_->LastRequest();
  EXPECT_EQ(request.credential->username, "robot");
  EXPECT_EQ(request.credential->password.Reveal(), "s3cret");
  EXPECT_THAT(
      request.scopes,
      ElementsAre(oci::Scope{"a", {oci::Action::kPull}}, oci::Scope{"b", {oci::Action::kPull}}));
}

TEST_F(TokenSourceTest, KeepsScopesConnectorsAndSecretsApart) {
  const auto other = [&] {
    auto entry = std::make_shared<catalog::Entry>(*Entry());
    auto connector = std::make_shared<resource::Connector>(*entry->connector);
    connector->ref.name = "other";
    entry->connector = connector;
    return entry;
  }();
  EXPECT_EQ(ValueOf(Get(kPullA)), "token-1");
  EXPECT_EQ(ValueOf(Get(kPullB)), "token-2");
  EXPECT_EQ(ValueOf(Get({{"a", {oci::Action::kPull, oci::Action::kPush}}})), "token-3");
  EXPECT_EQ(ValueOf(GetFor(other, kPullA)), "token-4");
  EXPECT_EQ(ValueOf(GetFor(Entry("mint-key-2"), kPullA)), "token-5");
  EXPECT_EQ(ValueOf(Get({})), "token-6");
  EXPECT_EQ(ValueOf(Get(kPullA)), "token-1");
}

TEST_F(TokenSourceTest, MintsOnceFor200ConcurrentCallersOnFourThreads) {
  minter_->held = true;
  std::atomic<int> equal{0};
  const std::shared_ptr<const catalog::Entry> entry = Entry();
  auto finish = [&](std::exception_ptr, Result<Token> token) {
    equal += token && (*token)->value.Reveal() == "token-1" ? 1 : 0;
  };
  for (int i = 0; i < 200; ++i) {
    asio::co_spawn(io_, source_->Get(entry, kPullA, SoonEnough()), finish);
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
  const std::shared_ptr<const catalog::Entry> entry = Entry();
  std::optional<Result<Token>> hasty;
  std::optional<Result<Token>> patient;
  auto finish_hasty = [&](std::exception_ptr, Result<Token> token) {
    hasty.emplace(std::move(token));
    minter_->held = false;  // Only now: the mint outlives the caller that began it.
  };
  auto finish_patient = [&](std::exception_ptr, Result<Token> token) {
    patient.emplace(std::move(token));
  };
  asio::co_spawn(io_,
                 source_->Get(entry, kPullA, std::chrono::steady_clock::now() + milliseconds(20)),
                 finish_hasty);
  asio::co_spawn(io_, source_->Get(entry, kPullA, SoonEnough()), finish_patient);
  io_.run();

  EXPECT_THAT(*hasty, HasError(ErrorCode::kDeadlineExceeded));
  EXPECT_EQ(ValueOf(*patient), "token-1");
  EXPECT_EQ(minter_->mints, 1);
}

TEST_F(TokenSourceTest, ServesTheOldTokenWhileItMintsTheNext) {
  ASSERT_EQ(ValueOf(Get()), "token-1");
  clock_.Advance(seconds(201));

  EXPECT_EQ(ValueOf(Get()), "token-1");
  EXPECT_EQ(ValueOf(Get()), "token-2");
  EXPECT_EQ(minter_->mints, 2);
}

TEST_F(TokenSourceTest, HandsOutNoTokenThatIsAboutToEnd) {
  ASSERT_EQ(ValueOf(Get()), "token-1");
  clock_.Advance(seconds(291));

  EXPECT_EQ(ValueOf(Get()), "token-2");
}

TEST_F(TokenSourceTest, MintsAnewWhenATokenHasEnded) {
  minter_->Life(seconds(1));
  ASSERT_EQ(ValueOf(Get()), "token-1");
  clock_.Advance(seconds(1));

  EXPECT_EQ(ValueOf(Get()), "token-2");
}

TEST_F(TokenSourceTest, FallsBackToATokenThatIsAliveWhenTheServiceIsDown) {
  ASSERT_EQ(ValueOf(Get()), "token-1");
  minter_->Fail(ErrorCode::kUnavailable);
  clock_.Advance(seconds(295));
  EXPECT_EQ(ValueOf(Get()), "token-1") << "after the mint failed";
  EXPECT_EQ(ValueOf(Get()), "token-1") << "while the gate holds back";
  EXPECT_EQ(minter_->mints, 2);

  clock_.Advance(milliseconds(4500));
  EXPECT_THAT(Get(), HasError(ErrorCode::kUnavailable)) << "half a second is too little";
}

TEST_F(TokenSourceTest, DoesNotFallBackWhenTheCredentialIsRefused) {
  ASSERT_EQ(ValueOf(Get()), "token-1");
  minter_->Fail(ErrorCode::kPermissionDenied);
  clock_.Advance(seconds(295));

  EXPECT_THAT(Get(), HasError(ErrorCode::kPermissionDenied));
  EXPECT_THAT(Get(), HasError(ErrorCode::kPermissionDenied));
}

TEST_F(TokenSourceTest, AnswersWithTheLastErrorWhileItBacksOff) {
  minter_->Fail(ErrorCode::kUnavailable);
  EXPECT_THAT(Get(), HasErrorMessage(ErrorCode::kUnavailable, "the fake failed"));

  clock_.Advance(milliseconds(249));
  const Result<Token> held = Get(kPullB);
  EXPECT_THAT(held, HasErrorMessage(ErrorCode::kUnavailable, "the fake failed"));
  EXPECT_EQ(held.error().retry_after, seconds(1));
  EXPECT_EQ(minter_->mints, 1);

  minter_->Fail(std::nullopt);
  clock_.Advance(milliseconds(1));
  EXPECT_EQ(ValueOf(Get()), "token-2");
}

TEST_F(TokenSourceTest, WaitsAsLongAsTheTokenServiceSays) {
  minter_->Fail(ErrorCode::kResourceExhausted, seconds(90));
  EXPECT_THAT(Get(), HasError(ErrorCode::kResourceExhausted));
  minter_->Fail(std::nullopt);

  clock_.Advance(seconds(89));
  EXPECT_EQ(Get().error().retry_after, seconds(1));
  clock_.Advance(seconds(1));
  EXPECT_EQ(ValueOf(Get()), "token-2");
}

TEST_F(TokenSourceTest, TriesANewSecretAtOnce) {
  minter_->Fail(ErrorCode::kPermissionDenied);
  EXPECT_THAT(Get(), HasError(ErrorCode::kPermissionDenied));
  EXPECT_THAT(Get(), HasError(ErrorCode::kPermissionDenied));
  EXPECT_EQ(minter_->mints, 1);

  minter_->Fail(std::nullopt);
  store_.Put({"default", "harbor-robot"}, {{"username", "robot"}, {"password", "new"}}, "v2");
  EXPECT_EQ(ValueOf(GetFor(Entry("mint-key-2", "v2"))), "token-2");
}

TEST_F(TokenSourceTest, KeepsNoTokenOfASecretThatTheEntryDoesNotKnow) {
  store_.Put({"default", "harbor-robot"}, {{"username", "robot"}, {"password", "new"}}, "v2");

  EXPECT_EQ(ValueOf(GetFor(Entry("mint-key-1", "v1"))), "token-1");
  EXPECT_EQ(ValueOf(GetFor(Entry("mint-key-1", "v1"))), "token-2");
}

TEST_F(TokenSourceTest, SaysWhatIsWrongWithTheSecret) {
  store_.Fail(MakeError(ErrorCode::kNotFound, ErrorOrigin::kSelf, "no such Secret"));
  EXPECT_THAT(Get(), HasErrorMessage(ErrorCode::kNotFound, "no such Secret"));

  store_.Fail(std::nullopt);
  store_.Put({"default", "harbor-robot"}, {{"username", "robot"}}, "v2");
  EXPECT_THAT(GetFor(Entry("mint-key-2", "v2")),
              HasErrorMessage(ErrorCode::kInvalidArgument, HasSubstr("password")));
  EXPECT_EQ(minter_->mints, 0);
}

TEST_F(TokenSourceTest, ReadsNoSecretForAConnectorWithoutOne) {
  auto entry = std::make_shared<catalog::Entry>(*Entry());
  auto connector = std::make_shared<resource::Connector>(*entry->connector);
  connector->auth.secret_name.reset();
  entry->connector = connector;

  EXPECT_EQ(ValueOf(GetFor(entry)), "token-1");
  EXPECT_EQ(minter_->LastRequest().credential, nullptr);
  EXPECT_EQ(store_.fetches(), 0);
}

TEST_F(TokenSourceTest, RefusesAnAuthThatNoMinterKnows) {
  auto entry = std::make_shared<catalog::Entry>(*Entry());
  auto connector = std::make_shared<resource::Connector>(*entry->connector);
  connector->auth.kind = AuthKind::kAnonymous;
  entry->connector = connector;

  EXPECT_THAT(GetFor(entry), HasError(ErrorCode::kInternal));
}

TEST_F(TokenSourceTest, GivesASingleUseTokenToOneCallerOnly) {
  minter_->Life(seconds(60), true);
  minter_->held = true;
  const std::shared_ptr<const catalog::Entry> entry = Entry();
  std::vector<std::string> values;
  auto finish = [&](std::exception_ptr, Result<Token> token) { values.push_back(ValueOf(token)); };
  for (int i = 0; i < 5; ++i) {
    asio::co_spawn(io_, source_->Get(entry, kPullA, SoonEnough()), finish);
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

TEST_F(TokenSourceTest, MintsAnewAfterForget) {
  ASSERT_EQ(ValueOf(Get()), "token-1");
  ASSERT_EQ(ValueOf(Get(kPullB)), "token-2");

  source_->Forget(*Entry(), kPullA);

  EXPECT_EQ(ValueOf(Get()), "token-3");
  EXPECT_EQ(ValueOf(Get(kPullB)), "token-2");
}

TEST_F(TokenSourceTest, LimitsTheRateOfMints) {
  for (int i = 0; i < static_cast<int>(kMintBurst); ++i) {
    ASSERT_TRUE(Get({{std::to_string(i), {oci::Action::kPull}}}).has_value()) << i;
  }
  EXPECT_THAT(Get(kPullA), HasError(ErrorCode::kResourceExhausted));
  EXPECT_EQ(ValueOf(Get({{"0", {oci::Action::kPull}}})), "token-1") << "what is kept is served";
  clock_.Advance(milliseconds(20));
  EXPECT_TRUE(Get(kPullA).has_value());
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

  EXPECT_THAT(testing_support::RunTask(io_, source->Get(Entry(), kPullA, SoonEnough())),
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
  asio::co_spawn(io_, source_->Get(Entry(), kPullA, SoonEnough()), finish_get);
  asio::co_spawn(io_, source_->Stop(), finish_stop);
  asio::co_spawn(io_, source_->Get(Entry(), kPullB, SoonEnough()), finish_late);
  io_.run();

  EXPECT_THAT(story, ElementsAre("refused", "token-1", "stopped"));
}

TEST_F(TokenSourceTest, StopsAtOnceWhenNothingIsUnderWay) {
  testing_support::RunTask(io_, source_->Stop());
  EXPECT_THAT(Get(), HasError(ErrorCode::kUnavailable));
}

TEST_F(TokenSourceTest, CountsResultsAndEntries) {
  EXPECT_TRUE(Get(kPullA).has_value());
  EXPECT_TRUE(Get(kPullB).has_value());
  minter_->Fail(ErrorCode::kPermissionDenied);
  EXPECT_FALSE(Get({}).has_value());
  EXPECT_FALSE(Get({}).has_value());

  const std::string metrics = Metrics();
  EXPECT_THAT(metrics, HasSubstr("connector_broker_mint_total{result=\"ok\"} 2"));
  EXPECT_THAT(metrics, HasSubstr("connector_broker_mint_total{result=\"permission_denied\"} 1"));
  EXPECT_THAT(metrics, HasSubstr("connector_broker_mint_total{result=\"held_back\"} 1"));
  EXPECT_THAT(metrics, HasSubstr("connector_broker_mint_duration_seconds_count 3"));
  EXPECT_THAT(metrics, HasSubstr("connector_broker_token_cache_entries 2"));
}

}  // namespace
}  // namespace connector::broker::mint
