#include "broker/api/api_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace connector::broker::api {
namespace {

TEST(ApiServer, IsNotReadyBeforeItIsOpen) {
  asio::io_context io;
  EndpointParts parts;
  parts.io = &io;
  const ApiServer server({}, parts);

  admin::Readiness readiness;
  server.AddReadiness(readiness);

  EXPECT_THAT(readiness.reasons, ::testing::ElementsAre("the gRPC endpoint is not open"));
  EXPECT_EQ(server.port(), 0);
}

}  // namespace
}  // namespace connector::broker::api
