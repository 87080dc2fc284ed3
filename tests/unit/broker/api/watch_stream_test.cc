// WatchRoutes streams on a played gRPC call, which watches that the rules of the callback API are
// kept: one write at a time, none after Finish, Finish once and never during a write.

#include "broker/api/watch_stream.h"

#include "broker/api/watch_hub.h"
#include "tests/support/cpp/root_keys.h"
#include "tests/unit/broker/api/fakes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <optional>
#include <thread>

namespace connector::broker::api {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class PlayedCall final : public ::grpc::ServerCallbackWriter<v1::WatchRoutesResponse> {
 public:
  explicit PlayedCall(::grpc::ServerWriteReactor<v1::WatchRoutesResponse>* reactor)
      : reactor_(reactor) {
    this->BindReactor(reactor);
  }

  void Write(const v1::WatchRoutesResponse* message, ::grpc::WriteOptions /*options*/) override {
    const std::lock_guard lock(mutex_);
    EXPECT_TRUE(message_ == nullptr && !status_) << "a write beside a write, or after the end";
    message_ = message;
  }
  void Finish(::grpc::Status status) override {
    const std::lock_guard lock(mutex_);
    EXPECT_TRUE(message_ == nullptr && !status_) << "an end during a write, or a second end";
    status_ = std::move(status);
  }
  void WriteAndFinish(const v1::WatchRoutesResponse* /*message*/,
                      ::grpc::WriteOptions /*options*/,
                      ::grpc::Status /*status*/) override {
    ADD_FAILURE();
  }
  void SendInitialMetadata() override {}

  // The network took the message that is being written: returns it.
  std::optional<v1::WatchRoutesResponse> CompleteWrite(bool ok = true) {
    std::optional<v1::WatchRoutesResponse> sent;
    {
      const std::lock_guard lock(mutex_);
      if (message_ == nullptr) {
        return std::nullopt;
      }
      sent = *message_;
      message_ = nullptr;
    }
    reactor_->OnWriteDone(ok);
    return sent;
  }
  void Cancel() { reactor_->OnCancel(); }
  std::optional<::grpc::StatusCode> ended() {
    const std::lock_guard lock(mutex_);
    return status_ ? std::optional(status_->error_code()) : std::nullopt;
  }
  void Done() { reactor_->OnDone(); }

 private:
  ::grpc::internal::ServerReactor* reactor() override { return reactor_; }
  void CallOnDone() override {}

  ::grpc::ServerWriteReactor<v1::WatchRoutesResponse>* const reactor_;
  std::mutex mutex_;
  const v1::WatchRoutesResponse* message_ = nullptr;
  std::optional<::grpc::Status> status_;
};

class WatchStreamTest : public ::testing::Test {
 protected:
  void Publish(const std::vector<std::string>& names) {
    std::vector<std::shared_ptr<const connectors::CatalogEntry>> entries;
    for (const std::string& name : names) {
      entries.push_back(EntryOf(HarborConnector("default", name, {})));
    }
    catalog_.Replace(SnapshotOf(entries));
  }
  static std::shared_ptr<const deny_list::DenyList> ListOf(const std::string& peer) {
    const std::vector<deny_list::DeniedEntry> entries{{deny_list::DeniedKind::kDataplane, peer}};
    return std::make_shared<const deny_list::DenyList>(
        entries, WallTime{}, testing_support::MakeRootKeys("r"));
  }
  static std::vector<std::string> Names(const std::optional<v1::WatchRoutesResponse>& response) {
    std::vector<std::string> names;
    if (!response) {
      return {"nothing was sent"};
    }
    for (const v1::Route& route : response->routes()) {
      names.push_back(route.connector().name());
    }
    for (const v1::ConnectorRef& ref : response->removed()) {
      names.push_back("-" + ref.name());
    }
    return names;
  }

  connectors::Catalog catalog_;
  WatchHub hub_{catalog_};
};

TEST_F(WatchStreamTest, TellsASlowClientOnlyTheNewestState) {
  Publish({"a"});
  PlayedCall call(hub_.Open());
  Publish({"a", "b"});
  Publish({"c"});
  Publish({"c", "d"});

  const auto first = call.CompleteWrite();
  EXPECT_TRUE(first->snapshot());
  EXPECT_THAT(Names(first), ElementsAre("a"));
  EXPECT_THAT(Names(call.CompleteWrite()), ElementsAre("c", "d", "-a"));
  EXPECT_EQ(call.CompleteWrite(), std::nullopt) << "b came and went unseen";

  call.Cancel();
  call.Done();
}

TEST_F(WatchStreamTest, SaysNothingWhenNothingDiffers) {
  Publish({"a"});
  PlayedCall call(hub_.Open());
  ASSERT_TRUE(call.CompleteWrite().has_value());
  Publish({"a"});

  EXPECT_EQ(call.CompleteWrite(), std::nullopt);

  call.Cancel();
  call.Done();
}

TEST_F(WatchStreamTest, SaysWhichDenyListIsInForceAndNoMore) {
  Publish({"a"});
  PlayedCall call(hub_.Open());
  EXPECT_EQ(call.CompleteWrite()->deny_list(), "");
  const auto list = ListOf("spiffe://local/other");
  hub_.TakeDenyList(list);

  const auto sent = call.CompleteWrite();
  ASSERT_TRUE(sent.has_value());
  v1::WatchRoutesResponse expected;
  expected.set_end(true);
  expected.set_deny_list(list->version());
  EXPECT_EQ(sent->ShortDebugString(), expected.ShortDebugString());
  hub_.TakeDenyList(std::make_shared<const deny_list::DenyList>());
  EXPECT_EQ(call.CompleteWrite()->deny_list(), "");

  call.Cancel();
  call.Done();
}

TEST_F(WatchStreamTest, EndsTheStreamsOfADeniedPeerAlone) {
  Publish({"a"});
  PlayedCall denied(hub_.Open({"spiffe://local/dataplane/1"}));
  PlayedCall other(hub_.Open({"spiffe://local/dataplane/2"}));
  denied.CompleteWrite();
  hub_.TakeDenyList(ListOf("spiffe://local/dataplane/1"));
  PlayedCall again(hub_.Open({"spiffe://local/dataplane/1"}));

  EXPECT_EQ(denied.ended(), ::grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(again.ended(), ::grpc::StatusCode::PERMISSION_DENIED)
      << "one that was admitted a moment before";
  EXPECT_EQ(other.ended(), std::nullopt);

  other.CompleteWrite();
  other.CompleteWrite();
  other.Cancel();
  for (PlayedCall* const call : {&denied, &other, &again}) {
    call->Done();
  }
}

TEST_F(WatchStreamTest, SendsWhatItHasBegunToItsEndBeforeWhatIsNewer) {
  std::vector<std::shared_ptr<const connectors::CatalogEntry>> entries;
  for (int i = 0; i < 9; ++i) {
    entries.push_back(EntryOf(HarborConnector("default", "c" + std::to_string(i), {}),
                              "v1",
                              resource::CaBundle(std::string(resource::kMaxConnectorCaBundleBytes,
                                                             static_cast<char>('0' + i)))));
  }
  catalog_.Replace(SnapshotOf(entries));
  PlayedCall call(hub_.Open());
  Publish({"newer"});

  std::size_t routes = 0;
  std::optional<v1::WatchRoutesResponse> part;
  do {
    part = call.CompleteWrite();
    ASSERT_TRUE(part.has_value());
    routes += static_cast<std::size_t>(part->routes().size());
  } while (!part->end());
  EXPECT_EQ(routes, 9U);
  EXPECT_THAT(Names(call.CompleteWrite()), Contains("newer"));

  call.Cancel();
  call.Done();
}

TEST_F(WatchStreamTest, EndsStreamsOnRequestAndOpensNewOnes) {
  PlayedCall old(hub_.Open());
  ASSERT_TRUE(old.CompleteWrite().has_value());
  hub_.EndStreams("no changes are seen");
  PlayedCall next(hub_.Open());

  EXPECT_EQ(old.ended(), ::grpc::StatusCode::UNAVAILABLE);
  EXPECT_TRUE(next.CompleteWrite().has_value());
  old.Done();
  next.Cancel();
  next.Done();
}

TEST_F(WatchStreamTest, EndsOnlyWhenTheWriteUnderWayIsDone) {
  PlayedCall call(hub_.Open());
  call.Cancel();
  EXPECT_EQ(call.ended(), std::nullopt);

  ASSERT_TRUE(call.CompleteWrite(false).has_value());

  EXPECT_EQ(call.ended(), ::grpc::StatusCode::CANCELLED);
  call.Done();
  EXPECT_EQ(hub_.streams(), 0U);
}

TEST_F(WatchStreamTest, EndsWhenAWriteFails) {
  PlayedCall call(hub_.Open());
  ASSERT_TRUE(call.CompleteWrite(false).has_value());

  EXPECT_EQ(call.ended(), ::grpc::StatusCode::UNAVAILABLE);
  Publish({"a"});
  call.Done();
}

TEST_F(WatchStreamTest, EndsAtOnceWhenTheBrokerIsStopping) {
  PlayedCall open(hub_.Open());
  ASSERT_TRUE(open.CompleteWrite().has_value());
  hub_.Stop();
  PlayedCall late(hub_.Open());

  EXPECT_EQ(open.ended(), ::grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(late.ended(), ::grpc::StatusCode::UNAVAILABLE);
  open.Done();
  late.Done();
  hub_.WaitUntilIdle();
}

TEST_F(WatchStreamTest, KeepsTheRulesWhileEverythingHappensAtOnce) {
  for (int round = 0; round < 50; ++round) {
    PlayedCall call(hub_.Open());
    std::atomic<bool> cancelled = false;
    std::thread network([&] {
      while (!call.ended()) {
        call.CompleteWrite(!cancelled);
      }
    });
    std::thread silence([&] { hub_.EndStreams("no changes are seen"); });
    for (int i = 0; i < 20; ++i) {
      Publish({"a", "n" + std::to_string(i)});
    }
    cancelled = true;
    call.Cancel();
    network.join();
    silence.join();
    call.Done();
  }
  EXPECT_EQ(hub_.streams(), 0U);
}

}  // namespace
}  // namespace connector::broker::api
