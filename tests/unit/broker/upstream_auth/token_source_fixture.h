#pragma once

// A token source with a Minter that a test directs, a store in memory and a clock that stands
// still.

#include "broker/upstream_auth/minting_token_source.h"
#include "tests/support/cpp/fake_clock.h"
#include "tests/support/cpp/fake_secret_store.h"
#include "tests/support/cpp/run_task.h"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <gtest/gtest.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace connector::broker::upstream_auth {

using Token = std::shared_ptr<const UpstreamToken>;

inline const std::vector<oci::Scope> kPullA{{"a", {oci::Action::kPull}}};
inline const std::vector<oci::Scope> kPullB{{"b", {oci::Action::kPull}}};

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
    if (request.credential && request.credential->password.Reveal() == refused_password_) {
      co_return MakeError(ErrorCode::kPermissionDenied, ErrorOrigin::kUpstream, "refused");
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
  void Fail(std::optional<ErrorCode> code,
            std::chrono::seconds retry_after = std::chrono::seconds(0)) {
    const std::lock_guard lock(mutex_);
    failure_.reset();
    if (code) {
      failure_ = MakeError(*code, ErrorOrigin::kUpstream, "the fake failed");
      failure_->retry_after = retry_after;
    }
  }
  void Refuse(const std::string& password) {
    const std::lock_guard lock(mutex_);
    refused_password_ = password;
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
  WallTime::duration life_ = std::chrono::seconds(300);
  bool single_use_ = false;
  std::optional<Error> failure_;
  std::string refused_password_;
  std::vector<MintRequest> requests_;
};

class TokenSourceTest : public ::testing::Test {
 protected:
  TokenSourceTest() {
    store_.Put({"default", "harbor-robot"}, {{"username", "robot"}, {"password", "s3cret"}}, "v1");
    TokenSourceParts parts{store_, {}, clock_, io_.get_executor(), registry_, {}, {}};
    parts.minters[resource::AuthKind::kTokenAuth] = minter_;
    parts.random = [this] { return random_.load(); };
    parts.now = [this] { return kSteadyStart + (clock_.Now() - clock_.kStart); };
    source_ = MakeTokenSource(std::move(parts));
  }

  // The connector under a policy without rules.
  std::shared_ptr<const connectors::CatalogEntry> EntryUnder(routing::Unlisted unlisted) {
    auto entry = std::make_shared<connectors::CatalogEntry>(*Entry());
    entry->policy = std::make_shared<const routing::UpstreamPolicy>(
        routing::UpstreamPolicy{.unlisted = unlisted});
    return entry;
  }

  static constexpr std::chrono::steady_clock::time_point kSteadyStart{std::chrono::seconds(1000)};
  static Deadline SoonEnough() {
    return std::chrono::steady_clock::now() + std::chrono::seconds(20);
  }

  std::shared_ptr<const connectors::CatalogEntry> Entry(const std::string& mint_key = "mint-key-1",
                                                        const std::string& version = "v1") {
    auto connector = std::make_shared<resource::Connector>();
    connector->ref = {"default", "harbor"};
    connector->address = *http::ParseOrigin("https://harbor.example.com");
    connector->auth.kind = resource::AuthKind::kTokenAuth;
    connector->auth.secret_name = "harbor-robot";
    auto entry = std::make_shared<connectors::CatalogEntry>();
    entry->connector = connector;
    entry->mint_key = mint_key;
    entry->secret_version = version;
    return entry;
  }

  // Runs until nothing is under way any more, refreshes in the background included.
  Result<Token> Get(const std::vector<oci::Scope>& scopes = kPullA) {
    return GetFor(Entry(), scopes);
  }
  Result<Token> GetFor(std::shared_ptr<const connectors::CatalogEntry> entry,
                       const std::vector<oci::Scope>& scopes = kPullA,
                       const std::string& subject = "alice") {
    return testing_support::RunTask(io_,
                                    source_->Get(std::move(entry), scopes, subject, SoonEnough()));
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

}  // namespace connector::broker::upstream_auth
