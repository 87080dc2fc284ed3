#include "controller/probe/listener_ca_follower.h"

#include "proto/connector/broker/v1/broker.grpc.pb.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace connector::controller::probe {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class AuthorityBroker final : public broker::v1::Broker::Service {
 public:
  ::grpc::Status GetListenerAuthority(::grpc::ServerContext* /*context*/,
                                      const broker::v1::GetListenerAuthorityRequest* /*request*/,
                                      broker::v1::GetListenerAuthorityResponse* response) override {
    response->set_ca_pem("PEM");
    return status;
  }

  ::grpc::Status status;
};

class ListenerCaFollowerTest : public ::testing::Test {
 protected:
  ListenerCaFollowerTest() {
    ::grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", ::grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&broker_);
    server_ = builder.BuildAndStart();
    client_ =
        std::make_unique<ProbeClient>(::grpc::CreateChannel("127.0.0.1:" + std::to_string(port),
                                                            ::grpc::InsecureChannelCredentials()),
                                      std::chrono::seconds(20));
  }
  ~ListenerCaFollowerTest() override { server_->Shutdown(); }

  // What it told until its first answer was taken in, and it was stopped.
  std::vector<std::string> FollowOnce() {
    asio::io_context io;
    std::vector<std::string> told;
    ListenerCaFollower follower(
        {client_.get(), [&](const std::string& pem) { told.push_back(pem); }});
    follower.Start(Executor(io.get_executor()));
    // Not before the answer: a stop while it is awaited is taken notice of after it.
    asio::co_spawn(Executor(io.get_executor()),
                   follower.Stop(std::chrono::steady_clock::now() + std::chrono::seconds(20)),
                   [](const std::exception_ptr&, bool ended) { EXPECT_TRUE(ended); });
    io.run();
    return told;
  }

  AuthorityBroker broker_;
  std::unique_ptr<::grpc::Server> server_;
  std::unique_ptr<ProbeClient> client_;
};

TEST_F(ListenerCaFollowerTest, TellsWhatTheBrokersSay) {
  EXPECT_THAT(FollowOnce(), ElementsAre("PEM"));
}

TEST_F(ListenerCaFollowerTest, TellsThatBrokersHaveNoAuthority) {
  broker_.status = {::grpc::StatusCode::FAILED_PRECONDITION, "add listenerAuthority"};
  EXPECT_THAT(FollowOnce(), ElementsAre(""));
  broker_.status = {::grpc::StatusCode::UNIMPLEMENTED, "an older broker"};
  EXPECT_THAT(FollowOnce(), ElementsAre(""));
}

// What stands in the statuses must outlive an outage.
TEST_F(ListenerCaFollowerTest, TellsNothingWhenNoBrokerAnswers) {
  broker_.status = {::grpc::StatusCode::UNAVAILABLE, "the broker has not read its connectors yet"};
  EXPECT_THAT(FollowOnce(), IsEmpty());
}

}  // namespace
}  // namespace connector::controller::probe
