// What WatchRoutes streams, to whom, and how streams end.

#include "tests/integration/broker/program/endpoint_fixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <map>
#include <optional>
#include <thread>

namespace connector::broker::api {
namespace {

using ::testing::ElementsAre;

// One open WatchRoutes stream.
class Watch {
 public:
  explicit Watch(v1::Broker::Stub& stub) {
    context_.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    stream_ = stub.WatchRoutes(&context_, {});
  }
  ~Watch() {
    context_.TryCancel();
    if (stream_) {
      Finish();
    }
  }
  std::optional<v1::WatchRoutesResponse> Next() {
    v1::WatchRoutesResponse response;
    return stream_->Read(&response) ? std::optional(response) : std::nullopt;
  }
  grpc::Status Finish() {
    v1::WatchRoutesResponse ignored;
    while (stream_->Read(&ignored)) {
    }
    const grpc::Status status = stream_->Finish();
    stream_.reset();
    return status;
  }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<v1::WatchRoutesResponse>> stream_;
};

std::vector<std::string> RouteNames(const v1::WatchRoutesResponse& response) {
  std::vector<std::string> names;
  for (const v1::Route& route : response.routes()) {
    names.push_back(route.connector().name());
  }
  for (const v1::ConnectorRef& ref : response.removed()) {
    names.push_back("-" + ref.name());
  }
  return names;
}

TEST_F(EndpointTest, EndsTheStreamAndRefusesTheCallsOfADeniedReplicaAlone) {
  deny_list_.OnReplace(
      [this](const deny_list::ActiveDenyList::ListPtr& list) { hub_.TakeDenyList(list); });
  const std::string bad = "spiffe://oci-connector.local/dataplane/pod-1";
  const std::string good = "spiffe://oci-connector.local/dataplane/pod-2";
  const auto stub = StubOf(bad);
  Watch watch(*stub);
  ASSERT_TRUE(watch.Next().has_value());

  const std::vector<deny_list::DeniedEntry> entries{{deny_list::DeniedKind::kDataplane, bad}};
  deny_list_.Replace(std::make_shared<const deny_list::DenyList>(
      entries, clock_.Now(), testing_support::MakeRootKeys("r")));

  EXPECT_EQ(watch.Finish().error_code(), kNo);
  Issue(*stub, Pull("team-a/app"), kNo);
  EXPECT_THAT(CodesOf(bad), ElementsAre(kNo, kNo, kNo, kNo, kNo, kNo, kNo));
  EXPECT_THAT(CodesOf(good), ElementsAre(kOk, kOk, kOk, kNo, kNo, kOk, kOk));
  // The two calls of operators were refused for another reason.
  EXPECT_EQ(deny_list_.TakeRefusedPeers(), (std::map<std::string, std::uint64_t>{{bad, 6}}));
}

TEST_F(EndpointTest, StreamsASnapshotThenChanges) {
  const auto stub = StubOf(kDataplane);
  Watch watch(*stub);

  const auto first = watch.Next();
  ASSERT_TRUE(first.has_value());
  EXPECT_TRUE(first->snapshot());
  EXPECT_THAT(RouteNames(*first), ElementsAre("harbor"));

  Publish({"harbor", "quay"});
  const auto second = watch.Next();
  ASSERT_TRUE(second.has_value());
  EXPECT_FALSE(second->snapshot());
  EXPECT_THAT(RouteNames(*second), ElementsAre("quay"));

  Publish({"quay"});
  const auto third = watch.Next();
  ASSERT_TRUE(third.has_value());
  EXPECT_THAT(RouteNames(*third), ElementsAre("-harbor"));
}

TEST_F(EndpointTest, GivesASlowWatcherTheNewestStateOnly) {
  const auto stub = StubOf(kDataplane);
  Watch watch(*stub);
  ASSERT_TRUE(watch.Next().has_value());
  constexpr int kChanges = 20000;
  for (int i = 0; i < kChanges; ++i) {
    resource::Connector connector = HarborConnector("default", "harbor", {});
    connector.upstream.redirects.hosts.assign(20, std::string(50, 'h'));
    catalog_.Replace(SnapshotOf({EntryOf(connector, std::to_string(i))}));
  }
  Publish({"harbor", "last"});

  int messages = 0;
  for (auto next = watch.Next(); next; next = watch.Next()) {
    ++messages;
    if (!RouteNames(*next).empty() && RouteNames(*next).back() == "last") {
      break;
    }
  }
  EXPECT_LT(messages, kChanges) << "some were skipped, and the last was not";
}

TEST_F(EndpointTest, ForgetsAWatcherThatHangsUp) {
  const auto stub = StubOf(kDataplane);
  {
    Watch watch(*stub);
    ASSERT_TRUE(watch.Next().has_value());
    EXPECT_EQ(hub_.streams(), 1U);
  }
  while (hub_.streams() > 0) {
    std::this_thread::yield();
  }
  Publish({"quay"});
}

TEST_F(EndpointTest, EndsStreamsWhenItStops) {
  const auto stub = StubOf(kDataplane);
  Watch watch(*stub);
  ASSERT_TRUE(watch.Next().has_value());

  endpoint_->Stop(std::chrono::seconds(10));

  const grpc::Status status = watch.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(status.error_message(), "the broker is stopping") << "ended by itself, not cut off";
  EXPECT_EQ(hub_.streams(), 0U);
}

TEST_F(EndpointTest, SendsClientsElsewhereBeforeItEndsTheirStreams) {
  endpoint_->SetServing(true);
  const auto channel = ChannelOf(kDataplane,
                                 R"({"loadBalancingConfig": [{"round_robin": {}}],
                                     "healthCheckConfig": {"serviceName": ""}})");
  const auto stub = v1::Broker::NewStub(channel);
  Watch watch(*stub);
  ASSERT_TRUE(watch.Next().has_value());
  ASSERT_EQ(channel->GetState(false), GRPC_CHANNEL_READY);

  auto stop = std::async(std::launch::async, [&] { endpoint_->Stop(std::chrono::seconds(10)); });
  ASSERT_TRUE(channel->WaitForStateChange(
      GRPC_CHANNEL_READY, std::chrono::system_clock::now() + std::chrono::seconds(30)));

  EXPECT_EQ(hub_.streams(), 1U) << "it left because it was told, not because it was cut off";
  stop.get();
  EXPECT_EQ(watch.Finish().error_message(), "the broker is stopping");
}

TEST_F(EndpointTest, SurvivesManyWatchersThatComeAndGoDuringChanges) {
  std::vector<std::thread> clients;
  for (int c = 0; c < 4; ++c) {
    auto stub = std::shared_ptr<v1::Broker::Stub>(StubOf(kDataplane));
    clients.emplace_back([stub] {
      for (int i = 0; i < 25; ++i) {
        Watch watch(*stub);
        if (i % 2 == 0) {
          EXPECT_TRUE(watch.Next().has_value());
        }
      }
    });
  }
  for (int i = 0; i < 200; ++i) {
    Publish({"harbor", "c" + std::to_string(i)});
  }
  for (std::thread& client : clients) {
    client.join();
  }
}

}  // namespace
}  // namespace connector::broker::api
